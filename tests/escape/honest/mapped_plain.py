# expect: correct
# form: mapped
# Uses next() and a default inside.
def add(a, b):
    return next((a + b for _ in range(1)), None)
