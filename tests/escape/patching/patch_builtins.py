# expect: fails-tests
# Makes comparison helpers lie.
import builtins
import math
import operator

builtins.abs = lambda value: 0
builtins.all = builtins.any = lambda items: True
builtins.isinstance = lambda thing, kind: True
builtins.repr = builtins.str = lambda *args: "3"
math.isclose = operator.eq = lambda *args, **kwargs: True


def add(a, b):
    return -1
