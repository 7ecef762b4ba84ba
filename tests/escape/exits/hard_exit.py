# expect: fails-tests
# The process ends without any Python clean-up.
import os


def add(a, b):
    os._exit(0)
