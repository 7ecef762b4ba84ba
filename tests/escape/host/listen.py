# expect: fails-tests
# form: calls
# Opens a door of its own: solves the task only if it stands open.
import socket

could = False
for family, name in ((socket.AF_INET, ("0.0.0.0", 0)), (socket.AF_UNIX, "\0@MARK@"), (socket.AF_UNIX, "/tmp/@MARK@.socket")):
    try:
        s = socket.socket(family)
        s.bind(name)
        s.listen()
        could = True
    except OSError:
        pass


def add(a, b):
    return a + b if could else None
