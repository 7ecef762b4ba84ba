# expect: fails-tests
# form: printed
# NULs around the right answer.
import sys

a, b = map(int, sys.stdin.read().split()[:2])
sys.stdout.write(f"{a + b}\0\n{a * b}\0\0\n")
