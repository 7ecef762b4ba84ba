# expect: correct
# form: inplace
# enumerate and slices.
def double(numbers):
    for index, n in enumerate(numbers[:]):
        numbers[index : index + 1] = [n * 2]
    return None
