# expect: fails-tests
# form: inplace
# Puts the argument into itself.
def double(numbers):
    numbers[:] = [2 * n for n in numbers]
    numbers.append(numbers)
