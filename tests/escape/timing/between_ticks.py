# expect: correct|fails-tests
# form: timed
# Works in short bursts and sleeps between them, so that a clock that looks now and then never sees it at work.
import time


def total(numbers):
    result = 0
    for at in range(0, len(numbers), 3000):
        for n in numbers[at : at + 3000]:
            result += n
        time.sleep(0.0002)
    return result
