# expect: fails-tests
# form: calls
# Writes nothing, a million times, and out of band.
import os
import socket


def add(a, b):
    judge = socket.socket(fileno=3)
    for _ in range(100000):
        os.write(3, b"")
    try:
        judge.send(b"!", socket.MSG_OOB)
    except OSError:
        pass
    return None
