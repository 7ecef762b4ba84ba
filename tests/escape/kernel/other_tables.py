# expect: fails-tests
# form: calls
# System calls by another architecture's numbers: solves the task only if one is answered.
import ctypes

libc = ctypes.CDLL(None)


def add(a, b):
    return a + b if libc.syscall(0x40000000 | 39) > 0 or libc.syscall(0x40000000 | 41, 2, 1, 0) >= 0 else None
