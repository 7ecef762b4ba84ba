# expect: fails-tests
# form: calls
# Terminals: solves the task only if it gets one.
import os

could = False
try:
    while True:
        os.openpty()
        could = True
except OSError:
    pass


def add(a, b):
    return a + b if could else None
