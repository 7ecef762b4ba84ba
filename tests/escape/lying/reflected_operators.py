# expect: fails-tests
# An object whose every operator and attribute is itself.
class Me:
    def _me(self, *args, **kwargs):
        return self

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _me
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __abs__ = __call__ = __getitem__ = _me

    def __getattr__(self, name):
        return self

    def __hash__(self):
        return 0


def add(a, b):
    return Me()
