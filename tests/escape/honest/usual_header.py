# expect: correct
# form: calls stdio
# The header that contest programs carry around.
import copy, sys, os, math, re, heapq, bisect, random, string, time, itertools, functools, collections, operator, datetime
from collections import defaultdict, deque, Counter, OrderedDict, namedtuple
from functools import reduce, lru_cache, cmp_to_key
from itertools import accumulate, combinations, permutations, product, groupby
from math import gcd, sqrt, inf, ceil, floor, comb, factorial
from typing import *
input = lambda: sys.stdin.readline().rstrip("\r\n")
sys.setrecursionlimit(1 << 20)
MOD = 10 ** 9 + 7


def add(a, b):
    return a + b


if __name__ == "__main__":
    words = []
    while len(words) < 2:
        words += input().split()
    print(add(*map(int, words)), math.prod(map(int, words)), sep="\n")
