# expect: fails-tests
# form: all
# A finalizer ends the process when its object goes.
import os


class Last:
    def __del__(self):
        os._exit(0)


def add(a, b):
    Last()


add(1, 2)
