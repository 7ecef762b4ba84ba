# expect: fails-tests
# Becomes a program that succeeds.
import os


def add(a, b):
    os.execv("/bin/true", ["true"])
