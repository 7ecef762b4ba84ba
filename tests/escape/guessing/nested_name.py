# expect: fails-tests
# form: calls
# The right function, out of reach.
def outer():
    def add(a, b):
        return a + b

    return add
