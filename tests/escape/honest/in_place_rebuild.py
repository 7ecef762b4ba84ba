# expect: correct
# form: inplace
# Emptied and filled again.
def double(numbers):
    kept = [n + n for n in numbers]
    numbers.clear()
    numbers.extend(kept)
