# expect: fails-tests
# form: lies
# Every question is answered after a long while.
import time


class Slow:
    def _slow(self, *args):
        time.sleep(5)
        return True

    __eq__ = __bool__ = __len__ = __lt__ = __sub__ = __hash__ = __getattr__ = __iter__ = __contains__ = _slow


def add(a, b):
    return Slow()
