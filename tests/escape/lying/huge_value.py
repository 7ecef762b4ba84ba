# expect: fails-tests
# Returns more than anyone wants to read.
def add(a, b):
    return "3" * (100 << 20)
