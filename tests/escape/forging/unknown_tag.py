# expect: fails-tests
# form: calls
# Tags that mean nothing, and bytes after the value.
import os
import struct


def add(a, b):
    for body in (b"?", b"", b"NN", b"i123", b"T" * 1000):
        os.write(3, struct.pack("<IBBHI", len(body), 1, 33, 0, 2) + body)
    return None
