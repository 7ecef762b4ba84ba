# expect: fails-tests
# form: calls
# Moves the offsets and flags of what it inherited: solves the task only if the next one finds them moved.
import fcntl
import os

found = False
for descriptor in list(range(3)) + list(range(4, 64)):
    try:
        found = found or os.lseek(descriptor, 0, os.SEEK_CUR) == 77
        os.lseek(descriptor, 77, os.SEEK_SET)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_APPEND | os.O_NONBLOCK)
    except OSError:
        pass


def add(a, b):
    return a + b if found else None
