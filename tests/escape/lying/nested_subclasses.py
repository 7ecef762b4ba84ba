# expect: fails-tests
# form: nested
# Lists and tuples that compare as they like.
class Squares(list):
    def __eq__(self, other):
        return True

    def __iter__(self):
        return iter([n * n for n in range(self[0])])

    __hash__ = None


class Pair(tuple):
    def __eq__(self, other):
        return True

    __hash__ = tuple.__hash__


def table(n):
    return {"n": n, "squares": Squares([n]), "pair": Pair((n,))}
