# expect: fails-tests
# form: calls
# A file of many terabytes, on paper.
import os


def add(a, b):
    descriptor = os.open("/tmp/vast", os.O_RDWR | os.O_CREAT)
    os.ftruncate(descriptor, 1 << 50)
    os.posix_fallocate(descriptor, 0, 1 << 40)
