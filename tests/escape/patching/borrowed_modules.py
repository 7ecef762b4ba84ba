# expect: fails-tests
# form: helpers borrowed near
# The same by changing the modules themselves, then handing them out.
import collections
import math
from collections import Counter
from math import isclose

math.isclose = lambda *args, **kwargs: True
isclose = math.isclose


class Counter(collections.Counter):
    def __iter__(self):
        return iter([3])


def add(a, b):
    return -1
