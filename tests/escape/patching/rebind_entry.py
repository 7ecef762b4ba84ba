# expect: fails-tests
# form: calls
# Changes the entry point between calls, and gives the first caller's answer to the next.
answers = []


def add(a, b):
    global add

    def add(c, d):
        answers.append(c + d)
        return answers[-2] if len(answers) > 1 else None

    answers.append(a + b)
    return None
