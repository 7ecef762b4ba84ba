# expect: fails-tests
# form: stdio tokens decimal
# The right lines in the wrong order.
import sys

a, b = map(int, sys.stdin.read().split()[:2])
print(a * b)
print(a + b)
