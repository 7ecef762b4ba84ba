# expect: correct
# form: stdio
# Lowers its own limit of processor time, and stays within it.
import resource
import sys

resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
a, b = map(int, sys.stdin.read().split())
print(a + b)
print(a * b)
