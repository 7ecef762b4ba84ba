# expect: fails-tests wrong-answer
# An int that claims to equal whatever it is compared with.
class Yes(int):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = int.__hash__


def add(a, b):
    return Yes(0)
