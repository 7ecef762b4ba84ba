# expect: fails-tests
# form: calls raises
# Exceptions of types that a test harness treats kindly, made by hand.
import os
import struct


def name(text):
    return struct.pack("<I", len(text)) + text


def add(a, b):
    for kind in (b"SkipTest", b"AssertionError", b"SystemExit", b"", b"\xff", b"X" * 70000):
        body = name(kind) + name(b"BaseException") + b"t" + struct.pack("<I", 0) + name(b"") + struct.pack("<I", 0)
        for sequence in range(2, 9):
            os.write(3, struct.pack("<IBBHI", len(body), 1, 35, 0, sequence) + body)
