# expect: fails-tests
# form: calls
# Recursion through C, with the limit out of the way.
import json
import sys

sys.setrecursionlimit(1 << 30)


def add(a, b):
    nest = []
    for _ in range(1 << 20):
        nest = [nest]
    return json.dumps(nest) + repr(nest)
