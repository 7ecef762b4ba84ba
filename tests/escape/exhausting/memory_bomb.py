# expect: fails-tests memory-limit|time-limit
# Takes memory until there is none.
def add(a, b):
    hoard = []
    while True:
        hoard.append(bytearray(1 << 24))
