# expect: fails-tests
# form: calls
# And on the judge's socket, in whole frames.
import os
import struct

frame = struct.pack("<IBBHI", 0, 1, 36, 0, 0) * 4096


def add(a, b):
    while True:
        os.write(3, frame)
