# expect: fails-tests wrong-answer
# A float subclass with a kind __eq__ and __sub__.
class Close(float):
    def __eq__(self, other):
        return True

    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__
    __hash__ = float.__hash__


def add(a, b):
    return Close(1e9)
