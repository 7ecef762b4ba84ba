# pytest's API, as far as test modules of problem sets use it; fixtures are in
# judge_framework_run.py.


class Raised:
    """pytest.raises(...) as a context, and what `as` binds."""

    def __init__(self, expected, match=None):
        self.expected, self.pattern = expected, match
        self.type = self.value = self.tb = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            raise AssertionError("did not raise %r" % (self.expected,))
        if issubclass(kind, Stop) or not issubclass(kind, self.expected):
            return False
        self.type, self.value, self.tb = kind, value, trace
        if self.pattern is not None:
            self.match(self.pattern)
        return True

    def match(self, pattern):
        if not re.search(pattern, str(self.value)):
            raise AssertionError("%r does not match %r" % (pattern, str(self.value)))
        return True


def raises(expected, *args, match=None, **kwargs):
    context = Raised(expected, match)
    if not args:
        return context
    with context:
        args[0](*args[1:], **kwargs)
    return context


class Approx:
    """Equal within rel (1e-6) of the expected number or abs (1e-12); within containers too."""

    __array_ufunc__ = None
    __hash__ = None

    def __init__(self, expected, rel=None, abs=None, nan_ok=False):
        self.expected, self.rel, self.abs, self.nan_ok = expected, rel, abs, nan_ok

    def inner(self, expected):
        return Approx(expected, self.rel, self.abs, self.nan_ok)

    def close(self, got):
        want = self.expected
        if got != got or want != want:
            return self.nan_ok and got != got and want != want
        if abs(want) == float("inf"):
            return False
        rel = (1e-6 if self.abs is None else 0) if self.rel is None else self.rel
        return abs(got - want) <= max(rel * abs(want), 1e-12 if self.abs is None else self.abs)

    def __eq__(self, got):
        want, numbers = self.expected, (int, float, complex)
        if isinstance(want, dict):
            return (isinstance(got, dict) and got.keys() == want.keys()
                    and all(got[k] == self.inner(want[k]) for k in want))
        if isinstance(want, (list, tuple)) or type(want).__name__ == "ndarray":
            if isinstance(want, (list, tuple)) and not isinstance(got, type(want)):
                return False
            try:
                return len(got) == len(want) and all(g == self.inner(w) for g, w in zip(got, want))
            except TypeError:
                return False
        if isinstance(want, bool) or not isinstance(want, numbers):
            return type(got) is type(want) and got == want
        if isinstance(got, bool) or not isinstance(got, numbers):
            return False
        return bool(got == want) or self.close(got)

    def __ne__(self, got):
        return not self == got

    def __repr__(self):
        return "approx(%r)" % (self.expected,)


def marking(kind):
    def mark(*args, **kwargs):
        def attach(item):
            mark = (kind, args, kwargs)
            if is_theirs(item):
                State.marks[id(item)] = item, [mark] + marks_on(item)
            else:
                target = getattr(item, "__func__", item)
                target.assay_marks = [mark] + list(vars(target).get("assay_marks", ()))
            return item
        bare = len(args) == 1 and not kwargs and isinstance(args[0], (types.FunctionType, type))
        if bare:
            item, args = args[0], ()
            return attach(item)
        attach.assay_mark = (kind, args, kwargs)
        return attach
    return mark


class Marks:
    def __getattr__(self, kind):
        return marking(kind)


def marks_on(item):
    if is_theirs(item):
        return State.marks.get(id(item), (item, []))[1]
    return getattr(item, "assay_marks", [])


def marks_of(item, kind):
    return [(args, kwargs) for k, args, kwargs in marks_on(item) if k == kind]


class Row:
    """pytest.param(...): values with marks of their own."""

    def __init__(self, *values, marks=(), id=None):
        self.values = values
        self.marks = [m.assay_mark if hasattr(m, "assay_mark") else m(lambda: 0).assay_marks[0]
                      for m in (marks if isinstance(marks, (list, tuple)) else [marks])]


class Fixture:
    def __init__(self, function, scope="function", params=None, autouse=False, name=None, ids=None):
        self.function, self.scope, self.params = function, scope, params
        self.autouse, self.name = autouse, name or function.__name__


def fixture(function=None, **options):
    return Fixture(function) if function else lambda f: Fixture(f, **options)


def fail(reason="", pytrace=True):
    raise AssertionError(reason)


def skip(reason="", allow_module_level=False):
    raise unittest.SkipTest(reason)


def importorskip(name, minversion=None, reason=None):
    need_module(name)
    return importlib.import_module(name)


pytest = types.ModuleType("pytest")
for item in (raises, fixture, fail, skip, importorskip):
    setattr(pytest, item.__name__, item)
pytest.approx, pytest.mark, pytest.param, pytest.main = Approx, Marks(), Row, lambda *a, **k: 0
sys.modules["pytest"] = pytest
