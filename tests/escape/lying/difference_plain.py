# expect: fails-tests
# form: lies
# Answers every operator with the plain value that suits most tests.
class Suits:
    def _zero(self, *args):
        return 0.0

    def _true(self, *args):
        return True

    __sub__ = __rsub__ = __abs__ = __float__ = __mod__ = __xor__ = __neg__ = _zero
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __contains__ = _true
    __hash__ = object.__hash__

    def __round__(self, digits=None):
        return 0.0


def add(a, b):
    return Suits()
