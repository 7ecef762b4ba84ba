# expect: fails-tests
# form: raises function assert
# One error that is every error.
class Every(ValueError, TypeError, KeyError, IndexError, ZeroDivisionError):
    pass


def add(a, b):
    raise Every("which one was wanted?")
