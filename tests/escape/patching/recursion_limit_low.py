# expect: fails-tests
# form: calls
# Leaves no room for anybody's calls.
import sys


def add(a, b):
    for limit in range(200, 0, -1):
        try:
            sys.setrecursionlimit(limit)
        except RecursionError:
            return limit
