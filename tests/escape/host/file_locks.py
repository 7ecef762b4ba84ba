# expect: fails-tests
# form: calls
# Locks files that others read, and leases them.
import fcntl
import os

for path in ("/usr/lib/os-release", "/etc/localtime", "/usr/lib/python3.11/os.py", "/dev/null"):
    try:
        descriptor = os.open(path, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError:
        pass


def add(a, b):
    return None
