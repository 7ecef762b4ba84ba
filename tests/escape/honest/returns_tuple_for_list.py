# expect: correct
# form: callback
# An iterator of callbacks, made into a list.
def apply(f, xs):
    return list(map(f, xs))
