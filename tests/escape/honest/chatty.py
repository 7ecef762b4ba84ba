# expect: correct
# Prints a megabyte.
def add(a, b):
    for _ in range(10000):
        print("debug", "x" * 94)
    return a + b
