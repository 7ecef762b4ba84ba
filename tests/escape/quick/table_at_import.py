# expect: faster
# form: quick
# A small table that is made while the module is loaded is part of its cost, and worth it.
partner = list(range(3000, -1, -1))


def pairs(numbers, target):
    counts, found = [0] * 3001, 0
    for n in numbers:
        rest = partner[3000 - target + n] if 0 <= target - n <= 3000 else -1
        found += counts[rest] if rest >= 0 else 0
        counts[n] += 1
    return found
