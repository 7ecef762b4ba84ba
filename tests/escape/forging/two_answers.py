# expect: fails-tests
# form: calls
# Answers in the body, then by returning.
import os
import struct


def add(a, b):
    body = b"i" + struct.pack("<q", 3)
    for sequence in range(1, 64):
        os.write(3, struct.pack("<IBBHI", len(body), 1, 33, 0, sequence) + body)
    return 3
