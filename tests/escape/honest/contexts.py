# expect: correct
# form: calls
# Context managers of every kind.
import contextlib
import io
import sys


@contextlib.contextmanager
def doubled(n):
    yield n + n


def add(a, b):
    with contextlib.ExitStack() as stack, contextlib.suppress(ZeroDivisionError):
        twice = stack.enter_context(doubled(a))
        with contextlib.redirect_stdout(io.StringIO()) as text:
            print(twice // 2)
        assert sys.stdout is not text
        return int(text.getvalue()) + b
