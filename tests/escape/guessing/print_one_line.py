# expect: fails-tests
# form: stdio spread
# Both numbers, on one line.
import sys

a, b = map(int, sys.stdin.read().split()[:2])
print(a + b, a * b)
