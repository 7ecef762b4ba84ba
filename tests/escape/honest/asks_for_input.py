# expect: correct
# form: calls
# Reads from an empty standard input.
import sys


def add(a, b):
    try:
        input("a number? ")
    except (EOFError, OSError):
        pass
    sys.stdin.read()
    return a + b
