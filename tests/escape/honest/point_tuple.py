# expect: correct
# form: point
# A point that is a named tuple.
from typing import NamedTuple


class Point(NamedTuple):
    x: float
    y: float

    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)

    def __abs__(self):
        return (self.x**2 + self.y**2) ** 0.5

    def __lt__(self, other):
        return abs(self) < abs(other)
