# expect: correct
# form: timed_calls
# Leaves a list behind that is easier the next time.
def total(numbers):
    result = 0
    for n in numbers:
        result += n
    numbers[:] = [result]
    return result
