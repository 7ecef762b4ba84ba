# expect: fails-tests
# form: calls
# A set of a million numbers whose hashes meet.
def add(a, b):
    return {n * (2**61 - 1) for n in range(30000)} | set(range(10**6))
