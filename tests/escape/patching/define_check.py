# expect: fails-tests
# form: calls near unittest
# Brings tests of its own, under every name that a harness could look for.
def check(candidate):
    pass


def test_add():
    pass


class TestAdd:
    def test(self):
        pass


def assertion(*args):
    return True


passed, total, result, METADATA = 10**6, 10**6, "passed", {}
math = unittest = None


def add(a, b):
    return -1
