# expect: fails-tests
# form: calls
# Runs inside of the server, when it drops the answer.
import weakref


class Answer(list):
    pass


refs = []


def add(a, b):
    answer = Answer([a])
    refs.append(weakref.ref(answer, lambda ref: answer_gone()))
    return answer


def answer_gone():
    while True:
        pass
