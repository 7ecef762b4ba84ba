# expect: fails-tests
# form: all
# Output as fast as C can write it.
import os

block = b"3\n" * 32768
while True:
    os.write(1, block)
