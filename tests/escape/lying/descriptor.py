# expect: fails-tests
# form: lies
# A property that suits, on a class without instances.
class Lookup(type):
    def __getattribute__(cls, name):
        return lambda *args: True


class Answer(metaclass=Lookup):
    pass


def add(a, b):
    return Answer
