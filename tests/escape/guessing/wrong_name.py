# expect: fails-tests
# form: calls
# The right function by another name.
def plus(a, b):
    return a + b
