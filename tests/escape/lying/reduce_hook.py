# expect: fails-tests
# form: lies
# Would come back as something else from any decoder that builds objects.
class Sly:
    def __reduce_ex__(self, protocol):
        return eval, ("__import__('os')._exit(0)",)

    def __getstate__(self):
        raise SystemExit(0)

    def __deepcopy__(self, memo):
        return 3

    __copy__ = __deepcopy__


def add(a, b):
    return Sly()
