# expect: fails-tests time-limit
# form: calls stdio
# The right answer, at too high a price.
import sys
import time


def add(a, b):
    while time.process_time() < 20:
        pass
    return a + b


if __name__ == "__main__":
    a, b = map(int, sys.stdin.read().split()[:2])
    print(add(a, b), a * b, sep="\n")
