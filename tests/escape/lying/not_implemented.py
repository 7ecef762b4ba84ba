# expect: fails-tests
# form: lies
# Hands the comparison over to the other side.
def add(a, b):
    return NotImplemented
