# expect: fails-tests
# form: all
# A grandchild in a session of its own: solves the task only if there is one.
import os

could = False
try:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                pass
        os._exit(0)
    could = True
except OSError:
    pass


def add(a, b):
    return a + b if could else None
