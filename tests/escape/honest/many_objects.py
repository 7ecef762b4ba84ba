# expect: correct
# form: calls
# Many small things, and then none.
def add(a, b):
    things = [(n, str(n)) for n in range(20000)]
    table = {n: text for n, text in things}
    del things
    assert table[19999] == "19999"
    return a + b
