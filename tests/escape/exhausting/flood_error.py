# expect: fails-tests
# form: all
# The same on the other stream.
import os

block = b"3\n" * 32768
while True:
    os.write(2, block)
