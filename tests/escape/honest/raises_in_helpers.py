# expect: correct
# form: raises
# Exceptions of its own, derived from the right ones, raised deep down.
class NegativeNumber(ValueError):
    def __init__(self, n):
        super().__init__(f"{n} is negative")
        self.n = n


class NotANumber(TypeError):
    pass


def checked(n):
    if not isinstance(n, (int, float)):
        raise NotANumber(repr(n)) from None
    if n < 0:
        raise NegativeNumber(n)
    return n


def add(a, b):
    return checked(a) + checked(b)
