# expect: correct
# form: callback
# A generator in between.
def apply(f, xs):
    def results():
        for x in iter(xs):
            yield f(x)

    return [*results()]
