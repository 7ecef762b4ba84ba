# expect: fails-tests
# form: lies
# Within every relative tolerance of itself.
def add(a, b):
    return float("inf")
