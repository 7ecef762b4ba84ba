# expect: fails-tests
# form: calls near order member collect convert float
# The answer of the first example, always.
def add(a, b):
    return 3
