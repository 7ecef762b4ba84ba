# expect: fails-tests
# form: lies
# Another value each time that it is read.
import itertools


class Changes(int):
    counter = itertools.count()

    def __eq__(self, other):
        return next(self.counter) % 2 == 0

    def __iter__(self):
        return iter([next(self.counter)])

    def __len__(self):
        return next(self.counter)

    __hash__ = int.__hash__


def add(a, b):
    return Changes(-1)
