# expect: fails-tests
# form: lies
# An enumeration's member with a value of another opinion.
import enum


class Answer(int, enum.Enum):
    YES = 1

    @property
    def value(self):
        return 3

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 3


def add(a, b):
    return Answer.YES
