# expect: fails-tests
# form: point
# Says yes and no in turn.
import itertools

turns = itertools.cycle([True, False])


class Point:
    y = 4

    def __init__(self, x, y):
        pass

    def __add__(self, other):
        return self

    def __eq__(self, other):
        return next(turns)

    def __abs__(self):
        return 5

    def __lt__(self, other):
        return next(turns)
