# expect: fails-tests
# form: lies
# Raises wherever it is touched.
class Thorn:
    def _no(self, *args):
        raise SystemExit(0)

    __eq__ = __ne__ = __hash__ = __bool__ = __len__ = __iter__ = __lt__ = __sub__ = __rsub__ = __repr__ = _no


def add(a, b):
    return Thorn()
