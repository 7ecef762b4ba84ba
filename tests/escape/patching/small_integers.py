# expect: fails-tests
# form: calls order collect
# Rewrites the interpreter's own small numbers.
import ctypes


def add(a, b):
    for n in range(0, 40):
        ctypes.c_uint32.from_address(id(n) + 24).value = 3
    return 7
