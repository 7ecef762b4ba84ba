# expect: correct
# form: inplace
# By index.
def double(numbers):
    for index in range(len(numbers)):
        numbers[index] *= 2
