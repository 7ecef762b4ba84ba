# expect: fails-tests
# form: calls
# Half a hang-up: the judge may still write.
import os
import socket


def add(a, b):
    judge = socket.socket(fileno=os.dup(3))
    try:
        judge.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    return a + b
