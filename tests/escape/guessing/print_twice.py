# expect: fails-tests
# form: printed
# The right answer, twice over.
import sys

a, b = map(int, sys.stdin.read().split()[:2])
for _ in range(2):
    print(a + b, a * b, sep="\n")
