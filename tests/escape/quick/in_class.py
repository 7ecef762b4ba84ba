# expect: faster
# form: quick
# Keeps its working in an object, and says so on stdout.
import collections
import functools


class Counts(collections.Counter):
    def partners(self, n, target):
        return self[target - n] - (2 * n == target)


@functools.lru_cache(maxsize=None)
def half(n):
    return n // 2


def pairs(numbers, target):
    counts = Counts(numbers)
    print("different numbers:", len(counts))
    return half(sum(count * counts.partners(n, target) for n, count in counts.items()))
