# expect: fails-tests
# A table whose keys all hash alike once they are plain integers: filling it would take hours.
class Key(int):
    def __hash__(self):
        return id(self)

    def __eq__(self, other):
        return self is other


def add(a, b):
    return {Key((2**61 - 1) * n) for n in range(1, 200000)}
