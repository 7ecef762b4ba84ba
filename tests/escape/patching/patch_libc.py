# expect: fails-tests
# form: all
# Rewrites the C library's functions in this process.
import ctypes
import mmap

libc = ctypes.CDLL(None)
code = b"\x48\x31\xc0\xc3"  # return 0
for name in ("memcmp", "strcmp", "write", "exit", "_exit", "abort"):
    address = ctypes.cast(getattr(libc, name), ctypes.c_void_p).value
    page = address & ~(mmap.PAGESIZE - 1)
    if libc.mprotect(ctypes.c_void_p(page), 2 * mmap.PAGESIZE, 7) == 0:
        ctypes.memmove(address, code, len(code))


def add(a, b):
    return -1
