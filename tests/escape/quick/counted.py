# expect: faster
# form: quick
# One pass, with a table of what was seen.
def pairs(numbers, target):
    seen, found = {}, 0
    for n in numbers:
        found += seen.get(target - n, 0)
        seen[n] = seen.get(n, 0) + 1
    return found
