# expect: fails-tests
# form: printed
# The right answer on the wrong stream.
import sys

a, b = map(int, sys.stdin.read().split()[:2])
print(a + b, a * b, sep="\n", file=sys.stderr)
