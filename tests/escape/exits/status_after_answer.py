# expect: fails-tests
# form: stdio
# The right output of a program that failed after all is no right answer.
import sys

a, b = map(int, sys.stdin.read().split())
print(a + b)
print(a * b, flush=True)
raise RuntimeError("and yet")
