# expect: fails-tests
# form: lies
# Time differences are nothing, too.
import datetime


class Now(datetime.datetime):
    def __sub__(self, other):
        return 0

    __rsub__ = __sub__

    def __eq__(self, other):
        return True

    __hash__ = datetime.datetime.__hash__


def add(a, b):
    return Now(2000, 1, 1)
