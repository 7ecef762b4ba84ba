# expect: correct
# form: printed
# Buffering, encodings and errors set anew.
import sys

sys.stdout.reconfigure(line_buffering=True, encoding="utf-8")
sys.stdin.reconfigure(encoding="utf-8", errors="strict")
a, b = map(int, sys.stdin.read().split())
print(a + b)
print(a * b)
