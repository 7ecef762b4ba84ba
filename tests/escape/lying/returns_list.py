# expect: fails-tests
# form: inplace
# Answers, but leaves the argument alone.
def double(numbers):
    return [2 * n for n in numbers]
