# expect: fails-tests
# form: calls
# A million objects of its own, one answer.
class Thing:
    pass


def add(a, b):
    return [Thing() for _ in range(300000)]
