# expect: fails-tests
# form: calls
# Answers a hundred questions before they are asked.
import os
import struct

body = b"i" + struct.pack("<q", 3)
for sequence in range(1, 100):
    os.write(3, struct.pack("<IBBHI", len(body), 1, 33, 0, sequence) + body)


def add(a, b):
    return None
