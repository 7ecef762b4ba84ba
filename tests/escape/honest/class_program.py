# expect: correct
# form: printed
# A class with a solve method, and a generator that feeds it.
import sys


class Solver:
    def __init__(self, stream):
        self.tokens = (int(word) for line in stream for word in line.split())

    def solve(self):
        a, b = next(self.tokens), next(self.tokens)
        yield a + b
        yield a * b


for answer in Solver(sys.stdin).solve():
    sys.stdout.write(str(answer))
    sys.stdout.write("\n")
