# expect: correct|fails-tests
# form: timed
# Prepares while it is being loaded, and waits instead of working.
import time

prepared = {}
for size in (10, 100, 60000):
    result = 0
    for n in range(size):
        result += n
    prepared[size] = result


def total(numbers):
    time.sleep(0.002)
    result = 0
    for n in numbers:
        result += n
    return result
