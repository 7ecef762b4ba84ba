# expect: fails-tests
# form: decorated
# Says of the tests that it decorates how they are marked, patched and called, in text that a framework evaluates.
WISH = "calls.extend([1, 1, 1]) or globals().update(repeat=lambda n: lambda f: lambda: 3) or True"


class Marked:
    __name__ = "test_is_called"
    __unittest_skip__ = True
    assay_marks = pytestmark = [("skipif", (WISH,), {}), ("parametrize", ("n", []), {})]
    assay_patches = []

    def __init__(self, function):
        self.__dict__.update(assay_marks=self.assay_marks, pytestmark=self.pytestmark)

    def __call__(self, *args, **kwargs):
        return 0


def repeat(n):
    return Marked
