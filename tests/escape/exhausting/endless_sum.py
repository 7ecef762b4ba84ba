# expect: fails-tests
# form: calls
# A sum in C that never comes back to Python.
import itertools


def add(a, b):
    return sum(itertools.repeat(1))
