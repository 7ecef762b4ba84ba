# expect: fails-tests
# Recurses without an end, with the guard lifted.
import sys

sys.setrecursionlimit(10**9)


class Node:
    def __repr__(self):
        return repr(self)


def add(a, b):
    return repr(Node())
