# expect: correct
# form: calls
# Introspection of one's own function.
import dis
import inspect
import sys
import types


def plain(a, b=0):
    return a + b


def add(a, b):
    assert list(inspect.signature(plain).parameters) == ["a", "b"]
    assert sys._getframe().f_code.co_name == "add"
    assert sys.modules[__name__].__dict__["plain"] is plain
    list(dis.get_instructions(plain))
    copy = types.FunctionType(plain.__code__, globals(), "copy", (1,))
    return copy(a, b)
