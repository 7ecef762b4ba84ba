# expect: fails-tests
# form: calls
# A queue that drinks from an endless spring.
import collections
import itertools


def add(a, b):
    return collections.deque(itertools.cycle([1]), maxlen=0)
