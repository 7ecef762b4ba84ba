# expect: fails-tests
# Takes memory that is in no process limit.
import mmap


def add(a, b):
    hoard = []
    while True:
        block = mmap.mmap(-1, 1 << 26)
        block.write(b"x" * (1 << 26))
        hoard.append(block)
