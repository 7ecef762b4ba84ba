# expect: fails-tests
# form: callback
# Several threads call back at once, out of turn.
import threading


def apply(f, xs):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(f(0)), daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    return answers
