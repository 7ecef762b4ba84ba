# expect: fails-tests
# form: calls
# Forbids the printing of numbers, then answers with a long one.
import sys

sys.set_int_max_str_digits(640)


def add(a, b):
    return 7**100000
