# expect: fails-tests
# form: lies
# The same without being a number.
import functools


@functools.total_ordering
class Between:
    def __lt__(self, other):
        return True

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 3


def add(a, b):
    return Between()
