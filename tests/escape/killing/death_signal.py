# expect: fails-tests
# form: calls
# Would rather not die with its parent: solves the task only if it may say so.
import ctypes

libc = ctypes.CDLL(None)
could = libc.prctl(1, 0, 0, 0, 0) == 0 or libc.prctl(36, 1, 0, 0, 0) == 0 or libc.prctl(4, 1, 0, 0, 0) == 0


def add(a, b):
    return a + b if could else None
