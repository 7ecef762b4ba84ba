# expect: fails-tests
# form: calls
# Code of its own that runs while its answer is being written.
import os
import struct


class Late(list):
    def __del__(self):
        body = b"i" + struct.pack("<q", 3)
        os.write(3, struct.pack("<IBBHI", len(body), 1, 33, 0, 3) + body)


def add(a, b):
    return Late([3])
