# expect: fails-tests
# form: callback
# Asks once and guesses the rest.
def apply(f, xs):
    xs = list(xs)
    return [f(xs[0])] * len(xs) if xs else []
