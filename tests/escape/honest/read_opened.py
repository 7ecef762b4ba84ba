# expect: correct
# form: printed
# Opens the descriptor as a file.
with open(0) as lines:
    a, b = map(int, lines.read().split())
with open(1, "w", closefd=False) as out:
    print(a + b, a * b, sep="\n", file=out)
