# expect: fails-tests
# form: calls
# Serves the calls in place of the server, from Python, with an answer that suits.
import os
import struct


def add(a, b):
    body = b"s" + struct.pack("<I", 1) + b"3"
    sequence = 2
    while True:
        os.write(3, struct.pack("<IBBHI", len(body), 1, 33, 0, sequence) + body)
        header = os.read(3, 12)
        if len(header) < 12:
            os._exit(0)
        length, _, kind, _, sequence = struct.unpack("<IBBHI", header)
        os.read(3, length)
