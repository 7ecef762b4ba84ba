# expect: faster
# form: quick
# Sorts the list that it was given, which nobody forbade.
from bisect import bisect_left, bisect_right


def pairs(numbers, target):
    numbers.sort()
    found = 0
    for n in numbers:
        found += bisect_right(numbers, target - n) - bisect_left(numbers, target - n)
        found -= 2 * n == target
    return found // 2
