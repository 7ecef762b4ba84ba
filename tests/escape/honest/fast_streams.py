# expect: correct
# form: printed
# Streams of its own, as contests like them.
import io
import os
import sys

input = io.BytesIO(os.read(0, os.fstat(0).st_size or 1 << 16)).readline
sys.stdout = io.StringIO()
words = input().split()
if len(words) < 2:
    words += input().split()
a, b = map(int, words)
print(a + b)
print(a * b)
os.write(1, sys.stdout.getvalue().encode())
