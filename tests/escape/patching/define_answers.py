# expect: fails-tests
# form: calls collect
# Globals named like those that the test code uses.
class Any:
    def __eq__(self, other):
        return True

    def __getitem__(self, key):
        return self

    def items(self):
        return []

    def __iter__(self):
        return iter([])


expected = answer = got = cases = n = a = b = Counter = sorted = set = range = isinstance = Any()


def add(a, b):
    return Any()
