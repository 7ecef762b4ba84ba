# expect: fails-tests
# form: lies
# Smaller than all, larger than all.
class Between(int):
    def __lt__(self, other):
        return True

    __le__ = __gt__ = __ge__ = __lt__


def add(a, b):
    return Between(-7)
