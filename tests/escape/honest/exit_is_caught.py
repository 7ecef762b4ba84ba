# expect: correct
# form: calls
# Calls a main that exits, and catches it.
import sys


def main():
    sys.exit(0)


def add(a, b):
    try:
        main()
    except SystemExit:
        return a + b
