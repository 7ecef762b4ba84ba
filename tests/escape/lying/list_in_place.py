# expect: fails-tests
# form: inplace
# Puts objects that equal everything into the argument.
class Any:
    def __eq__(self, other):
        return True

    __hash__ = None


def double(numbers):
    numbers[:] = [Any() for _ in numbers]
