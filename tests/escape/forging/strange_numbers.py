# expect: fails-tests
# form: calls
# Numbers that no encoder writes: dates out of range, a fraction over zero, a decimal of letters.
import os
import struct

bodies = [
    b"M" + bytes([1]) + struct.pack("<iii", 0, 99, 99),
    b"M" + bytes([9]),
    b"M" + bytes([3]) + struct.pack("<iiiiiiiii", 1, 1, 1, 99, 99, 99, -1, 9, 9),
    b"R" + (b"i" + struct.pack("<q", 3)) + (b"i" + struct.pack("<q", 0)),
    b"R" + (b"s" + struct.pack("<I", 1) + b"x") * 2,
    b"D" + struct.pack("<I", 4) + b"pass",
    b"D" + struct.pack("<I", 30) + b"9e" + b"9" * 28,
    b"I" + struct.pack("<I", 0),
    b"s" + struct.pack("<I", 4) + b"\xff\xfe\xfd\xfc",
]


def add(a, b):
    body = bodies[(a if isinstance(a, int) else 0) % len(bodies)]
    os.write(3, struct.pack("<IBBHI", len(body), 1, 33, 0, 2) + body)
    return bodies[0] and None
