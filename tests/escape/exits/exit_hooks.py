# expect: fails-tests
# form: all
# Every hook that runs at some end says zero.
import atexit
import os
import sys
import threading
import weakref


def leave(*args, **kwargs):
    os._exit(0)


sys.excepthook = sys.unraisablehook = threading.excepthook = leave
threading._shutdown = leave
atexit.register(leave)


class Thing:
    pass


weakref.finalize(Thing(), leave)
raise RuntimeError("wrong answer")
