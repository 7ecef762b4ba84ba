# expect: fails-tests
# form: spread tokens
# The set of the right words, but not as often as they are wanted.
import sys

a, b = map(int, sys.stdin.read().split()[:2])
print(*{a + b}, sep="\n")
