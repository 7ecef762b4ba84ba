# expect: fails-tests
# form: calls
# Costs nothing to make, much to print.
def add(a, b):
    return 1 << (100 << 20)
