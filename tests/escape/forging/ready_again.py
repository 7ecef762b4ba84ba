# expect: fails-tests
# form: calls
# Says that it is ready, with all isolation and then with none.
import os
import struct


def add(a, b):
    for bits in (0xFFFFFFFF, 0):
        body = struct.pack("<I", bits)
        os.write(3, struct.pack("<IBBHI", len(body), 1, 32, 0, 0) + body)
    return None
