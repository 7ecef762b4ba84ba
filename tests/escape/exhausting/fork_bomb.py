# expect: fails-tests
# Forks for ever.
import os


def add(a, b):
    while True:
        os.fork()
