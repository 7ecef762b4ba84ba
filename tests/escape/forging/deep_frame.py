# expect: fails-tests
# form: calls
# A million lists in each other, made by hand.
import os
import struct


def add(a, b):
    body = (b"l" + struct.pack("<I", 1)) * 1000000 + b"N"
    os.write(3, struct.pack("<IBBHI", len(body), 1, 33, 0, 2))
    while body:
        body = body[os.write(3, body):]
    return None
