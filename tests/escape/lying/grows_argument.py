# expect: fails-tests
# form: inplace
# Makes the argument larger than the judge would like.
def double(numbers):
    numbers.extend(range(10**7))
