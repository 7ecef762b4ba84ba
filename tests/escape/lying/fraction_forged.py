# expect: fails-tests
# form: lies
# A fraction that is no number: its parts are whatever they like.
from fractions import Fraction


class Right(Fraction):
    numerator = denominator = property(lambda self: 3)


def add(a, b):
    right = object.__new__(Right)
    right._numerator = [3]
    right._denominator = 0
    return right
