# expect: fails-tests
# form: lies
# No comparison with it is true, and no difference is too large.
def add(a, b):
    return float("nan")
