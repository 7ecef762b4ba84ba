# expect: fails-tests
# Overwrites the memory of the process that serves the calls.
import ctypes


def add(a, b):
    address = id(add) & ~0xFFF
    while True:
        ctypes.memset(address, 0xFF, 4096)
        address += 4096
