# expect: correct
# form: calls
# Remembers, without limit.
from functools import cache, lru_cache, partial


@lru_cache(maxsize=None)
def helper(a, b):
    return a + b


@cache
def add(a, b):
    return partial(helper, a)(b)
