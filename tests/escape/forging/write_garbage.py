# expect: fails-tests
# Writes noise to every descriptor, for ever.
import os


def add(a, b):
    while True:
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b"\xff" * 4096)
            except OSError:
                pass
