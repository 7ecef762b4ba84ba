# expect: fails-tests
# form: calls
# The same from an exception's trace.
import inspect
import sys


def add(a, b):
    try:
        raise RuntimeError
    except RuntimeError:
        frame = sys.exc_info()[2].tb_frame
    while frame.f_back:
        frame = frame.f_back
    names = [info.frame.f_locals for info in inspect.stack()]
    for scope in [frame.f_locals, *names]:
        for value in list(scope.values()):
            if isinstance(value, (list, dict)) and len(value) > 2:
                return value
