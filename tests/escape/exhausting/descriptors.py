# expect: fails-tests
# form: calls
# Opens all the descriptors there are, and keeps them.
import os

kept = []


def add(a, b):
    while True:
        try:
            kept.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            return len(kept)
