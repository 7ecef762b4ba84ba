# expect: correct
# form: nested
# Subclasses of the library's that hold the right things.
from collections import OrderedDict, defaultdict, namedtuple

Pair = namedtuple("Pair", "n square")


def table(n):
    result = defaultdict(list)
    result["n"] = n
    for k in range(n):
        result["squares"].append(k * k)
    result.setdefault("squares", [])
    result["pair"] = Pair(n, n * n)
    return OrderedDict(result)
