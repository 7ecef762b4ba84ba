# expect: fails-tests
# form: calls
# An error that ends the process when it is read.
import os


class Sly(Exception):
    def __str__(self):
        os._exit(0)

    __repr__ = __str__


def add(a, b):
    raise Sly()
