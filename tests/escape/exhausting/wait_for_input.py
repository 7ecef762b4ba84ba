# expect: fails-tests
# form: printed
# Reads on after the end of its input.
import sys
import time

while True:
    sys.stdin.read()
    time.sleep(0.01)
