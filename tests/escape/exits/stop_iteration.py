# expect: fails-tests
# form: calls
# Ends what it takes for a loop of the harness.
def add(a, b):
    raise StopIteration(a + b)
