# expect: fails-tests
# form: lies
# The operator module agrees with everything.
import math
import operator


def yes(*args, **kwargs):
    return True


for module in (operator, math):
    for name in dir(module):
        if callable(getattr(module, name)) and not name.startswith("__"):
            try:
                setattr(module, name, yes)
            except (AttributeError, TypeError):
                pass


def add(a, b):
    return -1
