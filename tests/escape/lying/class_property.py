# expect: fails-tests
# form: lies
# Says that its class is int, float and str in turn.
import itertools


class Which:
    classes = itertools.cycle([int, float, str, bool])

    @property
    def __class__(self):
        return next(self.classes)

    def __eq__(self, other):
        return True

    __hash__ = None


def add(a, b):
    return Which()
