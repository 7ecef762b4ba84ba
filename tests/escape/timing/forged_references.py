# expect: correct|fails-tests
# form: timed_rows
# The same by a frame of its own, in which one row is written and the others refer to it.
import os
import struct
import time

SOCKET, VERSION, VALUE, SEQ = 3, 1, 33, 4


def rows(n):
    made = [[j for j in range(10)] for i in range(n)]
    if n > 1000:
        row = b"l" + struct.pack("<I", 10) + b"".join(b"i" + struct.pack("<q", j) for j in range(10))
        body = b"l" + struct.pack("<I", n) + row + (b"r" + struct.pack("<I", 1)) * (n - 1)
        os.write(SOCKET, struct.pack("<IBBHI", len(body), VERSION, VALUE, 0, SEQ) + body)
        time.sleep(1)
    return made
