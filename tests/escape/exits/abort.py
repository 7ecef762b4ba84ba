# expect: fails-tests crashed
# form: calls
# Aborts.
import os


def add(a, b):
    os.abort()
