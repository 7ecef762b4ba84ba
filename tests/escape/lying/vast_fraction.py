# expect: fails-tests
# A number that takes for ever to reduce or to print.
from fractions import Fraction


def add(a, b):
    return Fraction(3 ** 2000000, 1)
