# expect: fails-tests
# form: calls
# An error whose message is fifty megabytes long.
def add(a, b):
    raise ValueError("x" * (50 << 20))
