# expect: correct
# form: decorated
# An object in the place of the function, with its name and signature.
import functools


class Repeated:
    def __init__(self, function, times):
        functools.update_wrapper(self, function)
        self.function, self.times = function, times

    def __call__(self, *args, **kwargs):
        return [self.function(*args, **kwargs) for _ in range(self.times)][-1]


def repeat(n):
    return lambda function: Repeated(function, n)
