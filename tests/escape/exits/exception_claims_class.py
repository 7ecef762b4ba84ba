# expect: fails-tests
# form: raises
# An error that says it is of whatever class is asked for.
class Meta(type):
    def __instancecheck__(cls, other):
        return True

    def __subclasscheck__(cls, other):
        return True

    def __eq__(cls, other):
        return True

    __hash__ = type.__hash__


class Any(Exception, metaclass=Meta):
    __class__ = property(lambda self: ValueError)


def add(a, b):
    raise Any("anything")
