# expect: fails-tests
# form: calls
# Half a header, and then nothing more.
import os
import time


def add(a, b):
    os.write(3, b"\x09\x00\x00\x00\x01\x21")
    time.sleep(60)
