# expect: correct
# form: calls
# Types of C, and a function of its library.
import ctypes


class Pair(ctypes.Structure):
    _fields_ = [("left", ctypes.c_int64), ("right", ctypes.c_int64)]


def add(a, b):
    if max(abs(a), abs(b)) >= 2**62:
        return a + b
    pair = Pair(a, b)
    assert ctypes.CDLL(None).abs(-3) == 3
    return pair.left + pair.right
