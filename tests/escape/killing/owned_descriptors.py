# expect: fails-tests
# form: calls
# Has the kernel send signals to the parent when its socket moves.
import fcntl
import os

for command in (fcntl.F_SETOWN, 15, 10):
    try:
        fcntl.fcntl(3, command, os.getppid() or 1)
    except OSError:
        pass
try:
    fcntl.fcntl(3, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
except OSError:
    pass


def add(a, b):
    return None
