# expect: fails-tests
# form: lies
# Whatever method is asked for, the answer is yes.
class Yes:
    def __getattr__(self, name):
        return lambda *args, **kwargs: True


def add(a, b):
    return Yes()
