# expect: fails-tests
# form: printed
# Prints what might be the first line, then leaves as if all were well.
import os
import sys

a, b = map(int, sys.stdin.read().split())
print(a + b, flush=True)
os._exit(0)
