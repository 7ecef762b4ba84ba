# expect: fails-tests
# form: calls
# Fills every pipe and socket pair that it can make.
import os
import socket

kept = []


def add(a, b):
    try:
        while True:
            kept.append(os.pipe())
            kept.append(socket.socketpair())
    except OSError:
        pass
    for pair in kept:
        end = pair[1] if isinstance(pair[1], int) else pair[1].fileno()
        os.set_blocking(end, False)
        try:
            while True:
                os.write(end, b"x" * 65536)
        except OSError:
            pass
