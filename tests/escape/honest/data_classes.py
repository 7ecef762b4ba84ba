# expect: correct
# Dataclasses, enums, named tuples.
import enum
from dataclasses import dataclass, field
from typing import NamedTuple


class Side(enum.Enum):
    LEFT = 0
    RIGHT = 1


class Pair(NamedTuple):
    left: int
    right: int


@dataclass
class Sum:
    pair: Pair
    sides: list = field(default_factory=lambda: list(Side))

    def total(self):
        return sum(self.pair[side.value] for side in self.sides)


def add(a, b):
    return Sum(Pair(a, b)).total()
