# expect: correct
# form: printed
# Flushes, then leaves at once.
import os
import sys

a, b = map(int, sys.stdin.read().split())
print(a + b)
print(a * b)
sys.stdout.flush()
os._exit(0)
