# expect: fails-tests
# form: calls
# Asks which pages of the library are in memory, and how busy the host is: solves the task only if told.
import ctypes

libc = ctypes.CDLL(None)
vector = (ctypes.c_ubyte * 64)()
page = ctypes.cast(libc.malloc, ctypes.c_void_p).value & ~0xFFF
told = libc.mincore(ctypes.c_void_p(page), 4096, vector) == 0


def add(a, b):
    return a + b if told else None
