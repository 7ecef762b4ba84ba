# expect: fails-tests
# form: lies
# Converts to whatever is asked for.
class Converts:
    def __index__(self):
        return 3

    def __int__(self):
        return 3

    def __float__(self):
        return 3.0

    def __complex__(self):
        return 3j

    def __format__(self, spec):
        return "3"

    def __str__(self):
        return "3"

    def __bool__(self):
        return True

    def __divmod__(self, other):
        return 0, 3

    def __rdivmod__(self, other):
        return 0, 3

    def __round__(self, digits=None):
        return 3


def add(a, b):
    return Converts()
