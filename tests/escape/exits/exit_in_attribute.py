# expect: fails-tests
# form: lies
# An object that ends the process as soon as it is asked anything.
import os


class Sly:
    def __getattribute__(self, name):
        os._exit(0)

    def __len__(self):
        os._exit(0)

    def __iter__(self):
        os._exit(0)

    def __sub__(self, other):
        os._exit(0)


def add(a, b):
    return Sly()
