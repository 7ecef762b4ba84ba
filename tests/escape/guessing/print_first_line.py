# expect: fails-tests
# form: printed
# The first line is right; there is no second.
import sys

a, b = map(int, sys.stdin.read().split()[:2])
print(a + b)
