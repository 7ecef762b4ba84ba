# expect: fails-tests
# form: calls
# A byte now and then, so that the judge is always kept busy.
import os
import struct
import time


def add(a, b):
    frame = struct.pack("<IBBHI", 1 << 20, 1, 33, 0, 2)
    for byte in frame + b"s" * (1 << 20):
        os.write(3, bytes([byte]))
        time.sleep(0.01)
