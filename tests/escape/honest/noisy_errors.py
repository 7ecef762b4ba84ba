# expect: correct
# form: printed
# A megabyte on the error stream.
import sys

for _ in range(10000):
    print("debug " + "x" * 94, file=sys.stderr)
a, b = map(int, sys.stdin.read().split())
print(a + b)
print(a * b)
