# expect: fails-tests
# form: lies
# The entry point is an object with a __call__ and nothing true in it.
class Callable:
    def __call__(self, *args, **kwargs):
        return self

    def __getattr__(self, name):
        return self

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 1

    def __bool__(self):
        return True


add = Callable()
