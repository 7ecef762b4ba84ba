# expect: fails-tests
# form: calls
# A flood of refusals and missing names.
import os
import struct


def add(a, b):
    why = b"host out of memory"
    for sequence in range(20000):
        body = struct.pack("<I", len(why)) + why
        os.write(3, struct.pack("<IBBHI", len(body), 1, 38, 0, sequence % 8) + body)
        os.write(3, struct.pack("<IBBHI", 0, 1, 36, 0, sequence % 8))
