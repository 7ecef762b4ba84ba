# expect: fails-tests
# Hangs up.
import os


def add(a, b):
    os.closerange(0, 64)
    return a + b
