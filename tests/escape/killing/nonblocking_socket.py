# expect: fails-tests
# form: calls
# Makes the descriptor it shares with the judge non-blocking, for both, as it hopes.
import os


def add(a, b):
    os.set_blocking(3, False)
    return "x" * (20 << 20)
