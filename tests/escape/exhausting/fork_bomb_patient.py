# expect: fails-tests time-limit
# Forks for ever and does not mind refusals.
import os


def add(a, b):
    while True:
        try:
            os.fork()
        except OSError:
            pass
