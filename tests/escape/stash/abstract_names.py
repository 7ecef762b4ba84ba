# expect: fails-tests
# form: calls
# Binds a name and leaves it: solves the task only if the name is taken already.
import errno
import socket

found = False
try:
    s = socket.socket(socket.AF_UNIX)
    s.bind("\0stash")
except OSError as error:
    found = error.errno == errno.EADDRINUSE


def add(a, b):
    return a + b if found else None
