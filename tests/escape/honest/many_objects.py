# expect: correct
# form: calls
# A million small things, and then none.
def add(a, b):
    things = [(n, str(n)) for n in range(100000)]
    table = {n: text for n, text in things}
    del things
    assert table[99999] == "99999"
    return a + b
