# expect: correct
# Deep, within a limit that it raises.
import sys

sys.setrecursionlimit(20000)


def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)


def add(a, b):
    assert depth(15000) == 15000
    return a + b
