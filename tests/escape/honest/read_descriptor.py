# expect: correct
# form: printed
# The descriptors themselves.
import os

data = b""
while block := os.read(0, 4):
    data += block
a, b = map(int, data.split())
os.write(1, str(a + b).encode() + b"\n")
os.write(1, str(a * b).encode() + b"\n")
