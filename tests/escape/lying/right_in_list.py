# expect: fails-tests
# form: function assert near order member collect convert float
# The right number, wrapped.
def add(a, b):
    return [a + b]
