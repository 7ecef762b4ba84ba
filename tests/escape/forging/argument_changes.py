# expect: fails-tests
# form: inplace
# Answers for arguments that it was not given: more of them, fewer, other kinds.
import os
import struct


def double(numbers):
    none = b"N"
    for args in (b"t" + struct.pack("<I", 0), b"t" + struct.pack("<I", 2) + b"NN", b"l" + struct.pack("<I", 0), b"N"):
        body = none + args
        for sequence in range(2, 6):
            os.write(3, struct.pack("<IBBHI", len(body), 1, 34, 0, sequence) + body)
