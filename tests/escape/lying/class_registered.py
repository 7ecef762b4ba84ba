# expect: fails-tests
# form: lies
# Registered as every kind of number.
import collections.abc
import numbers


class Registered:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __complex__(self):
        return 0j

    __index__ = __int__ = __trunc__ = __hash__


for abstract in (numbers.Number, numbers.Integral, numbers.Real, collections.abc.Hashable):
    abstract.register(Registered)


def add(a, b):
    return Registered()
