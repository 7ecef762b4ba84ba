# expect: fails-tests
# form: calls
# A zip bomb of its own making.
import zlib


def add(a, b):
    small = zlib.compress(zlib.compress(bytes(1 << 24)) * 400)
    data = small
    while True:
        data = zlib.decompress(data) * 8
