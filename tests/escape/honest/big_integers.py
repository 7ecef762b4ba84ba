# expect: correct
# Numbers with thousands of digits.
def add(a, b):
    big = 3**20000
    return (a + big) + (b - big)
