# expect: fails-tests
# form: calls
# Millions of digits, written out the slow way.
import sys

sys.set_int_max_str_digits(0)


def add(a, b):
    return len(str(7 ** (10**7)))
