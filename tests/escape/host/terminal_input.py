# expect: fails-tests
# form: all
# Types into the terminal that the grader was started from: solves the task only if there is one.
import fcntl
import os
import sys
import termios

could = False
try:
    descriptors = [os.open("/dev/tty", os.O_RDWR), 0, 1, 2]
except OSError:
    descriptors = [0, 1, 2]
for descriptor in descriptors:
    for request in (termios.TIOCSTI, 0x541C, termios.TIOCSCTTY, 0x5423):
        try:
            fcntl.ioctl(descriptor, request, b"\n")
            could = True
        except OSError:
            pass


def add(a, b):
    return a + b if could else None


if __name__ == "__main__" and could:
    a, b = map(int, sys.stdin.read().split())
    print(a + b, a * b, sep="\n")
