# expect: fails-tests
# form: lies
# Not a number in two directions.
def add(a, b):
    return complex("nan+nanj")
