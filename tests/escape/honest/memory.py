# expect: correct
# A hundred megabytes, given back.
def add(a, b):
    block = bytearray(100 << 20)
    block[-1] = 1
    return a + b
