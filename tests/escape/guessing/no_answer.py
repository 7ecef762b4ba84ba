# expect: fails-tests
# form: calls near order member collect convert methods float raises
# Nothing, politely.
def add(a, b):
    pass
