# expect: correct
# form: raises
# Lets Python object.
import math


def add(a, b):
    math.sqrt(a), math.sqrt(b)
    return a + b
