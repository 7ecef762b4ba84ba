# expect: fails-tests
# form: calls
# Numbers that no kernel has given out yet: solves the task only if one is answered.
import ctypes

libc = ctypes.CDLL(None)


def add(a, b):
    for number in (335, 400, 450, 470, 511, 512, 547, 1000, 0xFFFF, -1):
        if libc.syscall(number, 0, 0, 0, 0, 0, 0) >= 0:
            return a + b
