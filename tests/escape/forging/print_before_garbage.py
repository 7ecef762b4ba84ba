# expect: fails-tests
# form: printed
# The right answer and then much else.
import sys

a, b = map(int, sys.stdin.read().split()[:2])
print(a + b, a * b, sep="\n")
for n in range(1000):
    print(n)
