# expect: fails-tests time-limit
# form: calls stdio
# The right answer, long after the limit.
import sys
import time


def add(a, b):
    time.sleep(30)
    return a + b


if __name__ == "__main__":
    a, b = map(int, sys.stdin.read().split()[:2])
    print(add(a, b), a * b, sep="\n")
