# expect: fails-tests
# Replaces every module it can find.
import sys


class Fake:
    def __getattr__(self, name):
        return lambda *args, **kwargs: True


for name in list(sys.modules):
    if name != "sys":
        sys.modules[name] = Fake()


def add(a, b):
    return True
