# expect: correct
# form: calls
# Bytes, arrays, views.
import array
import struct


def add(a, b):
    if max(abs(a), abs(b)) >= 2**62:
        return a + b
    left, right = struct.unpack(">qq", struct.pack(">qq", a, b))
    numbers = array.array("q", [left, right])
    view = memoryview(numbers)
    return sum(view.tolist())
