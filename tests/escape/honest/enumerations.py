# expect: correct
# form: calls
# Members that are numbers, and flags.
import enum


class Step(enum.IntEnum):
    NONE = 0
    ONE = enum.auto()


class Mode(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


def add(a, b):
    both = Mode.READ | Mode.WRITE
    assert Mode.READ in both and Step.ONE == 1
    if a + b == 1:
        return Step.ONE
    return a + b + Step.NONE
