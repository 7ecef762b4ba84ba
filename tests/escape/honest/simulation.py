# expect: correct
# form: calls
# Uses some tenths of a second.
def add(a, b):
    total = 0
    for n in range(80000):
        total = (total * 31 + n) % 1000003
    return a + b + total - total
