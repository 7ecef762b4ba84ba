# expect: correct
# form: calls
# Would like to see its own source, and copes without.
import inspect
import os


def add(a, b):
    try:
        inspect.getsource(add)
    except (OSError, TypeError):
        pass
    try:
        with open(__file__) as file:
            file.read()
    except OSError:
        pass
    assert os.path.basename(__file__).endswith(".py")
    return a + b
