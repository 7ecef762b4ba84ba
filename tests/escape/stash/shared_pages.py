# expect: fails-tests
# form: calls
# Writes into pages that every guest starts with: solves the task only if the next one sees it.
import ctypes
import mmap

libc = ctypes.CDLL(None)
address = ctypes.cast(libc.l64a, ctypes.c_void_p).value
page = address & ~(mmap.PAGESIZE - 1)
found = ctypes.string_at(address, 5) == b"stash"
if libc.mprotect(ctypes.c_void_p(page), 2 * mmap.PAGESIZE, 7) == 0:
    ctypes.memmove(address, b"stash", 5)


def add(a, b):
    return a + b if found else None
