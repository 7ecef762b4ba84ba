# expect: correct
# form: calls
# Pickles an instance of its own class, and finds the class by name.
import pickle
import sys
from dataclasses import asdict, dataclass


@dataclass(order=True, slots=True)
class Pair:
    left: int
    right: int


def add(a, b):
    pair = pickle.loads(pickle.dumps(Pair(a, b)))
    assert sys.modules[Pair.__module__].Pair is Pair
    return sum(asdict(pair).values())
