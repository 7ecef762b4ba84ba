# expect: correct
# form: point
# The same, generated.
from dataclasses import dataclass


@dataclass(eq=True)
class Point:
    x: float
    y: float

    def __add__(self, other):
        return type(self)(self.x + other.x, self.y + other.y)

    def __abs__(self):
        return (self.x * self.x + self.y * self.y) ** 0.5

    def __lt__(self, other):
        return abs(self) < abs(other)
