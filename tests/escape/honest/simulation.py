# expect: correct
# form: calls
# Uses a good part of a second.
def add(a, b):
    total = 0
    for n in range(300000):
        total = (total * 31 + n) % 1000003
    return a + b + total - total
