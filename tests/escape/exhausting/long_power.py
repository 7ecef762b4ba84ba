# expect: fails-tests
# form: calls
# A number that the machine will not live to see.
def add(a, b):
    return 9 ** (9**9)
