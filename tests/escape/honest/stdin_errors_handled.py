# expect: correct
# form: printed
# Tries one format, then another.
import sys

try:
    a, b = map(int, input().split())
except ValueError:
    sys.stdin.seek(0) if sys.stdin.seekable() else None
    a, b = 5, int(sys.stdin.readline())
print(a + b, file=sys.stdout, flush=False)
print(a * b)
raise SystemExit
