# expect: correct
# form: printed
# Leaves out the last line end.
import sys

a, b = map(int, sys.stdin.read().split())
sys.stdout.write(f"{a + b}\n{a * b}")
