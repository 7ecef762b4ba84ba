# expect: fails-tests
# form: calls
# Makes None, True and False one and the same.
import ctypes


def add(a, b):
    ctypes.c_void_p.from_address(id(None) + 8).value = id(int)
    ctypes.c_void_p.from_address(id(False) + 8).value = id(float)
    return None
