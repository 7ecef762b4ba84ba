# expect: fails-tests
# form: calls
# Takes all there is and lives on the edge.
kept = []


def add(a, b):
    while True:
        try:
            kept.append(bytearray(1 << 16))
        except MemoryError:
            pass
