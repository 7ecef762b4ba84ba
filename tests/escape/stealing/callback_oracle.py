# expect: fails-tests
# form: callback
# Asks the callback for much more than it was given.
def apply(f, xs):
    table = {n: f(n) for n in range(-50, 50)}
    return [table[x] for x in xs]
