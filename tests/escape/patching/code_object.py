# expect: fails-tests
# form: calls
# Replaces the code of every function it can find by its own.
import gc
import types


def yes(*args, **kwargs):
    return True


for thing in gc.get_objects():
    if isinstance(thing, types.FunctionType) and not thing.__closure__ and not thing.__code__.co_freevars:
        thing.__code__ = yes.__code__


def add(a, b):
    return -1
