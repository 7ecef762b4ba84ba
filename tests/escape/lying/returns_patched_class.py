# expect: fails-tests
# form: lies
# Changes what int means to this process, then answers with an int.
import ctypes


def add(a, b):
    try:
        slots = ctypes.cast(id(int) + 200, ctypes.POINTER(ctypes.c_void_p))
        slots[0] = None
    finally:
        return 10**40
