# expect: correct
# form: calls
# Catches MemoryError and goes on.
def add(a, b):
    try:
        bytearray(1 << 40)
    except MemoryError:
        pass
    return a + b
