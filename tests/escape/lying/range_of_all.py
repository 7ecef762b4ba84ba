# expect: fails-tests
# form: member
# A range in which everything is.
def add(a, b):
    return range(-10**18, 10**18)
