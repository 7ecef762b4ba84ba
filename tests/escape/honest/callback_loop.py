# expect: correct
# form: callback
# A comprehension with a default argument, via a helper.
from functools import partial


def one(f, x):
    return f(x)


def apply(f, xs):
    call = partial(one, f)
    result = []
    for x in xs:
        result.append(call(x))
    return result
