# expect: fails-tests
# Small in memory, vast when written out.
def add(a, b):
    row = [3] * 1000
    return [[row] * 1000] * 1000
