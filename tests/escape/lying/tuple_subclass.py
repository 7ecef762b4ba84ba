# expect: fails-tests
# form: lies
# A named tuple with an opinion.
from typing import NamedTuple


class Pair(NamedTuple):
    left: int
    right: int

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __hash__(self):
        return 3

    def __sub__(self, other):
        return 0

    __rsub__ = __sub__


def add(a, b):
    return Pair(a, b)
