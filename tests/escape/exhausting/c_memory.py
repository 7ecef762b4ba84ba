# expect: fails-tests
# form: calls
# The C library's own heap, touched page by page.
import ctypes

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p


def add(a, b):
    while True:
        at = libc.malloc(1 << 20)
        ctypes.memset(at, 1, 1 << 20)
