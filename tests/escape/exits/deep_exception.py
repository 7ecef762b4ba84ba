# expect: fails-tests
# form: calls
# An error with a hundred thousand causes.
def add(a, b):
    error = ValueError("first")
    for _ in range(100000):
        following = ValueError("next")
        following.__cause__ = error
        error = following
    raise error
