# expect: fails-tests
# form: lies
# Comparing with this one raises.
from decimal import Decimal


def add(a, b):
    return Decimal("sNaN")
