# expect: fails-tests
# form: callback
# Calls with objects that equal everything, and returns what it was given.
class Any:
    def __eq__(self, other):
        return True

    def __mod__(self, other):
        return 0

    def __rmul__(self, other):
        return 3

    def __radd__(self, other):
        return 1000

    __hash__ = None


def apply(f, xs):
    return [f(Any()) for _ in xs]
