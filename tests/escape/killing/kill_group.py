# expect: fails-tests
# Signal 9 to its process group.
import os


def add(a, b):
    os.kill(0, 9)
