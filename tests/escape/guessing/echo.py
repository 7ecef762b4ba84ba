# expect: fails-tests
# form: calls near order collect
# Gives back what it got.
def add(a, b):
    return a
