# expect: correct
# Relies on RecursionError.
def endless(n):
    return endless(n + 1)


def add(a, b):
    try:
        endless(0)
    except RecursionError:
        return a + b
