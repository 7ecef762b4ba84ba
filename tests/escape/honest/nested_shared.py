# expect: correct
# form: nested
# Builds on what it returned before.
memory = {}


def table(n):
    if n not in memory:
        before = table(n - 1)["squares"] if n else []
        squares = before + [(n - 1) ** 2] if n else []
        memory[n] = dict(n=n, squares=squares, pair=(n, n**2))
    return memory[n]
