# expect: fails-tests
# form: callback
# Calls the judge, which is asked to call it, which calls the judge.
class Again:
    def __init__(self, f):
        self.f = f

    def __mod__(self, other):
        return self.f(self)

    __rmul__ = __radd__ = __add__ = __index__ = __mod__


def apply(f, xs):
    return [f(Again(f)) for _ in xs]
