# expect: fails-tests
# form: calls
# Puts a socket of its own in the judge's place, and talks to itself.
import os
import socket

left, right = socket.socketpair()


def add(a, b):
    os.dup2(left.fileno(), 3)
    right.send(b"\0" * 64)
    return a + b
