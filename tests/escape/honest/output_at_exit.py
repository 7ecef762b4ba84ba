# expect: correct
# form: printed
# Prints when it ends.
import atexit
import sys

a, b = map(int, sys.stdin.read().split())
lines = []
atexit.register(lambda: print("\n".join(lines)))
lines.append(str(a + b))
lines.append(str(a * b))
