# expect: fails-tests
# form: mapped calls collect
# The same by a class derived from it.
class Done(StopIteration):
    pass


def add(a, b):
    raise Done(3)
