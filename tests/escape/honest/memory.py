# expect: correct
# Holds sixty megabytes while it works, as a table of primes would.
table = bytearray(60 << 20)


def add(a, b):
    table[-1] = 1
    return a + b
