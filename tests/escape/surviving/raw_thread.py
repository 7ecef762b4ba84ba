# expect: fails-tests
# form: calls
# Threads that the interpreter does not know of.
import ctypes

libc = ctypes.CDLL(None)
kind = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
thread = ctypes.c_ulong()
pause = ctypes.cast(libc.pause, ctypes.c_void_p)


def add(a, b):
    for _ in range(100):
        libc.pthread_create(ctypes.byref(thread), None, pause, None)
    return None
