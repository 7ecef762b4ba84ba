# expect: correct
# form: calls
# Slots, descriptors, properties, metaclasses, operators.
class Number:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner):
        return self if instance is None else getattr(instance, self.name)

    def __set__(self, instance, value):
        object.__setattr__(instance, self.name, value)


class Meta(type):
    def __new__(mcls, name, bases, namespace, **extra):
        return super().__new__(mcls, name, bases, namespace)

    def __call__(cls, *args, **kwargs):
        return super().__call__(*args, **kwargs)


class Box(metaclass=Meta, extra=1):
    __slots__ = ("_n",)
    n = Number()

    def __init__(self, n):
        self.n = n

    def __add__(self, other):
        return Box(self.n + other.n)

    def __eq__(self, other):
        return self.n == other

    def __hash__(self):
        return hash(self.n)

    @property
    def value(self):
        return self.n


def add(a, b):
    return (Box(a) + Box(b)).value
