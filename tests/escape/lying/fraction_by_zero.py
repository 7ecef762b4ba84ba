# expect: fails-tests
# form: lies
# Three divided by nothing.
from fractions import Fraction


def add(a, b):
    bad = Fraction(1, 2)
    bad._denominator = 0
    return bad
