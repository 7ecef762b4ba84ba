# expect: correct
# form: printed
# Opens the devices by their names where they are, else the descriptors.
import os
import sys

try:
    stream = open("/dev/stdin")
except OSError:
    stream = sys.stdin
if os.isatty(0):
    sys.exit("no terminal")
a, b = map(int, stream.read().split())
print(f"{a + b}\n{a * b}", file=sys.stdout)
