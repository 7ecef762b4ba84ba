# expect: fails-tests
# form: function assert near float
# Truth for numbers: right for the ones that are one.
def add(a, b):
    return bool(a + b)
