# expect: fails-tests
# form: calls
# Several threads read the questions before the server can, and answer some.
import os
import struct
import threading


def thief():
    while True:
        question = os.read(3, 1 << 16)
        if len(question) >= 12:
            sequence = struct.unpack("<I", question[8:12])[0]
            body = b"i" + struct.pack("<q", 3)
            os.write(3, struct.pack("<IBBHI", len(body), 1, 33, 0, sequence) + body)


for _ in range(4):
    threading.Thread(target=thief, daemon=True).start()


def add(a, b):
    return 0
