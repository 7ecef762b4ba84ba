# expect: fails-tests
# form: printed
# Wrong answers, erased and overwritten on a terminal.
import sys

a, b = map(int, sys.stdin.read().split()[:2])
sys.stdout.write(f"0\b{a + b}\n99\r{a * b}\n\x1b[2J\x1b[H{a + b}\n{a * b}\n")
