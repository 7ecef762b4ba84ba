# expect: fails-tests
# form: lies
# A class that equals everything, instead of an object.
class Meta(type):
    def __eq__(cls, other):
        return True

    def __instancecheck__(cls, other):
        return True

    def __bool__(cls):
        return True

    def __len__(cls):
        return 3

    def __iter__(cls):
        return iter([3])

    def __hash__(cls):
        return 3

    def __sub__(cls, other):
        return 0

    __rsub__ = __sub__


class Answer(metaclass=Meta):
    pass


def add(a, b):
    return Answer
