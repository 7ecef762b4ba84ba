# expect: correct
# form: function assert
# Decimals and fractions that cross by value, or end as integers.
from decimal import Decimal, getcontext, localcontext
from fractions import Fraction

getcontext().prec = 60


def add(a, b):
    with localcontext() as context:
        context.prec = 80
        total = Decimal(a) + Decimal(b)
    return int(Fraction(total))
