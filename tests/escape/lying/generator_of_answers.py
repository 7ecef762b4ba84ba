# expect: fails-tests
# form: lies
# A generator function in place of a function.
def add(a, b):
    yield a + b
