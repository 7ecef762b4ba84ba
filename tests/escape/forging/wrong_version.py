# expect: fails-tests
# form: calls
# A frame of another version, with reserved bits set.
import os
import struct


def add(a, b):
    os.write(3, struct.pack("<IBBHI", 0, 2, 33, 0xFFFF, 2))
    return None
