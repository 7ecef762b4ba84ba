# expect: fails-tests
# form: lies
# Small to write, vast to compute with.
from decimal import Decimal


def add(a, b):
    return Decimal("1e999999999999999")
