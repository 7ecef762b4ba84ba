# expect: fails-tests
# form: all
# Streams that swallow, and say that all was written.
import io
import sys


class Quiet(io.TextIOBase):
    def write(self, text):
        return len(text)

    def read(self, *args):
        return "1 2"

    def __eq__(self, other):
        return True

    __hash__ = None


sys.stdout = sys.stderr = sys.stdin = sys.__stdout__ = sys.__stderr__ = Quiet()
print(3, 2, sep="\n")


def add(a, b):
    print(a + b)
