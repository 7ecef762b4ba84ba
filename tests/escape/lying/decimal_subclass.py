# expect: fails-tests
# form: lies
# A decimal whose arithmetic always comes out.
from decimal import Decimal


class Right(Decimal):
    def __eq__(self, other):
        return True

    def __sub__(self, other):
        return Decimal(0)

    __rsub__ = __sub__
    __hash__ = Decimal.__hash__

    def __str__(self):
        return "3"


def add(a, b):
    return Right("1e9")
