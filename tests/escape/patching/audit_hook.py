# expect: fails-tests
# form: all
# Hears of all that the interpreter does, and forbids it.
import sys


def hook(event, args):
    if event not in ("object.__getattr__", "import"):
        raise RuntimeError("forbidden: " + event)


sys.addaudithook(hook)


def add(a, b):
    return open("/etc/passwd").read()


add(1, 2)
