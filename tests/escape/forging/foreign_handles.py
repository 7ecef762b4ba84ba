# expect: fails-tests
# form: calls class
# Answers with objects that it never gave, and callables that it was never given.
import os
import struct


def forge(*args):
    for sequence in range(2, 12):
        for tag in (b"H", b"C"):
            for number in (0, 1, 2, 0xFFFF, 0xFFFFFFFF):
                body = tag + struct.pack("<I", number)
                os.write(3, struct.pack("<IBBHI", len(body), 1, 33, 0, sequence) + body)


add = forge


class Stack:
    __init__ = push = pop = peek = __len__ = forge
