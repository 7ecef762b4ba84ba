# expect: fails-tests
# form: calls
# Empties the globals of every function of the library.
import gc
import types

for thing in gc.get_objects():
    if isinstance(thing, types.FunctionType) and thing.__globals__ is not globals():
        thing.__globals__.pop("__builtins__", None)
        thing.__defaults__ = (True,) * 8


def add(a, b):
    return -1
