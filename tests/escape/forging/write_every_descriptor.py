# expect: fails-tests
# Writes forged answers to every descriptor it has.
import os
import struct

value = b"i" + struct.pack("<q", 3)
for sequence in range(20):
    frame = struct.pack("<IBBHI", len(value), 1, 33, 0, sequence) + value
    for descriptor in range(64):
        try:
            os.write(descriptor, frame)
        except OSError:
            pass


def add(a, b):
    return 3
