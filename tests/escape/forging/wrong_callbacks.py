# expect: fails-tests
# form: calls callback
# Calls functions of the judge that do not exist, in the middle of its answer.
import os
import struct


def apply(*args):
    empty = b"t" + struct.pack("<I", 0) + b"d" + struct.pack("<I", 0)
    for number in (0, 1, 7, 0xFFFFFFFF):
        body = struct.pack("<I", number) + empty
        os.write(3, struct.pack("<IBBHI", len(body), 1, 37, 0, 2) + body)
        os.write(3, struct.pack("<IBBHI", len(body), 1, 37, 0, 3) + body)
    return None


add = apply
