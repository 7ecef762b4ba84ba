# expect: fails-tests
# form: lies
# Pretends to be an array of numbers.
class Array:
    __array_priority__ = 1e9
    shape, ndim, size, dtype = (), 0, 1, "float64"
    __array_interface__ = {"shape": (), "typestr": "<f8", "version": 3, "data": (0, True)}

    def __array__(self, *args):
        return self

    def __array_ufunc__(self, *args, **kwargs):
        return True

    __array_function__ = __array_ufunc__

    def item(self):
        return 3

    def all(self):
        return True

    any = all

    def __eq__(self, other):
        return self

    def __sub__(self, other):
        return self

    __rsub__ = __abs__ = __le__ = __lt__ = __sub__
    __hash__ = None


def add(a, b):
    return Array()
