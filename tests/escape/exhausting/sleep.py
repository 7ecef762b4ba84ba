# expect: fails-tests
# Waits out the clock without using any.
import time


def add(a, b):
    time.sleep(0.01)
    return -1
