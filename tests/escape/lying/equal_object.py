# expect: fails-tests
# An object of no plain type that equals everything and says that it is an int.
class Anything:
    __class__ = int

    def __eq__(self, other):
        return True

    def __bool__(self):
        return True

    def __hash__(self):
        return 0


def add(a, b):
    return Anything()
