# expect: fails-tests
# form: class
# The class itself is a liar.
class Meta(type):
    def __call__(cls, *args):
        return cls

    def __getattr__(cls, name):
        return lambda *args: cls

    def __len__(cls):
        return 0

    def __eq__(cls, other):
        return True

    __hash__ = type.__hash__


class Stack(metaclass=Meta):
    pass
