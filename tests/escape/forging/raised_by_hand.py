# expect: fails-tests
# form: function raises
# Errors whose dictionary says what they stand for, in frames of its own.
import os
import struct


def u32(n):
    return struct.pack("<I", n)


def text(t):
    return b"s" + u32(len(t)) + t.encode()


def add(a, b):
    three = b"i" + struct.pack("<q", 3)
    said = b"d" + u32(2) + text("__assay_other_self__") + three + text("__assay_message__") + three
    for seq in range(3, 9):
        body = b"x" + b"Y" + u32(10) + b"ValueError" + b"t" + u32(0) + said + b"NNN" + u32(1)
        os.write(3, struct.pack("<IBBHI", len(body), 1, 35, 0, seq) + body)
    return None
