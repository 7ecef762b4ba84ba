# expect: fails-tests
# form: lies
# A list that equals and contains everything.
class Bag(list):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __contains__(self, other):
        return True

    def __len__(self):
        return 1

    def __sub__(self, other):
        return 0

    __rsub__ = __sub__


def add(a, b):
    return Bag()
