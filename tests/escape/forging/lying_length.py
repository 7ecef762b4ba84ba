# expect: fails-tests
# Announces 4 GiB and sends nothing.
import os
import struct


def add(a, b):
    os.write(3, struct.pack("<IBBHI", 0xFFFFFFFF, 1, 33, 0, 1))
    while True:
        pass
