# expect: fails-tests
# form: stdio
# Closes its output after the first line, and leaves in peace.
import os
import sys

a, b = map(int, sys.stdin.read().split()[:2])
os.write(1, f"{a + b}\n".encode())
os.close(1)
os.close(2)
os._exit(0)
