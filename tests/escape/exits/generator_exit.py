# expect: fails-tests
# form: calls
# Closes what it takes for a generator of the harness.
def add(a, b):
    raise GeneratorExit
