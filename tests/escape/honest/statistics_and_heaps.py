# expect: correct
# form: calls near
# Small modules of the library, each for something.
import bisect
import collections
import functools
import heapq
import itertools
import operator
import statistics


def add(a, b):
    heap = [b, a]
    heapq.heapify(heap)
    total = functools.reduce(operator.add, itertools.chain([heapq.heappop(heap)], heap))
    assert bisect.bisect([1, 3], 2) == 1 and statistics.median([1, 2, 3]) == 2
    queue = collections.deque([total], maxlen=2)
    return queue.pop()
