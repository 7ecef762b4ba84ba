# expect: fails-tests
# form: lies
# A dictionary that has every key.
class Every(dict):
    def __missing__(self, key):
        return key

    def __eq__(self, other):
        return True

    def __contains__(self, key):
        return True

    def __iter__(self):
        return iter([3])


def add(a, b):
    return Every()
