# expect: fails-tests
# form: lies
# Globals named like the builtins that tests call.
def _zero(*args, **kwargs):
    return 0


def _true(*args, **kwargs):
    return True


abs = round = _zero
isinstance = all = any = hasattr = bool = _true
AssertionError = type("AssertionError", (Exception,), {})
len = sum = max = min = int = str = lambda *args, **kwargs: 3


def add(a, b):
    return -1
