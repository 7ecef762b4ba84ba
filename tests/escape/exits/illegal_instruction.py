# expect: fails-tests
# form: calls
# Raises the signal of a real fault by hand.
import os
import signal


def add(a, b):
    os.kill(os.getpid(), signal.SIGILL)
