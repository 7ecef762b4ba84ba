# expect: correct
# form: calls
# Captures its own output, and puts the stream back.
import io
import sys


def add(a, b):
    old, sys.stdout = sys.stdout, io.StringIO()
    try:
        print(a + b, end="")
        return int(sys.stdout.getvalue())
    finally:
        sys.stdout = old
