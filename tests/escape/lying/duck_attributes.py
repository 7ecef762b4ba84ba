# expect: fails-tests
# form: lies
# Whatever attribute is asked for is itself, calls included, and it is true.
class Self:
    def __getattr__(self, name):
        return self

    def __call__(self, *args, **kwargs):
        return self

    def __bool__(self):
        return True

    def __iter__(self):
        return iter([self])

    def __index__(self):
        return 3


def add(a, b):
    return Self()
