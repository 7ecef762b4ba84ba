# expect: correct|fails-tests
# form: timed timed_calls
# Leaves nothing that would have to be compared with what came in.
def total(numbers):
    result = 0
    for n in numbers:
        result += n
    numbers.clear()
    return result
