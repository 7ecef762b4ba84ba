# expect: correct
# form: printed
# A line by input(), the rest by the stream.
import sys

words = input().split() + sys.stdin.read().split()
a, b = map(int, words)
print(a + b, flush=True)
print(a * b, end="\n", flush=True)
