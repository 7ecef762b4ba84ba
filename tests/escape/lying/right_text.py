# expect: fails-tests
# form: function assert near order member collect
# The right digits, as text.
def add(a, b):
    return str(a + b)
