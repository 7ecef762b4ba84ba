# expect: fails-tests
# form: calls
# Values whose lengths and counts lie, each in a frame of its own size.
import os
import struct

lies = [tag + struct.pack("<I", count) for tag in (b"l", b"t", b"d", b"S", b"Z", b"s", b"b", b"B", b"I", b"D", b"H", b"C")
        for count in (1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)]


def add(a, b):
    for body in lies:
        os.write(3, struct.pack("<IBBHI", len(body), 1, 33, 0, 2) + body)
    return None
