# One run of a prepared module: its hooks, fixtures, parameters and cases.


program_modules = ()
judge_seed = random.seed


def seed_both(*args, **kwargs):
    """A seed that the tests set is meant for the program as much as for them."""
    judge_seed(*args, **kwargs)
    guest_import("random").seed(*args, **kwargs)


def begin(module, modules, trying):
    global program_modules
    State.module, State.kept, State.closers, State.marks = module, {}, [], {}
    State.trying, State.cannot = trying, None
    program_modules = set(modules) | {"__main__"}
    module["__assay_program__"], module["__assay_same__"] = Program(), same
    module.setdefault("pytest", pytest)
    random.seed = seed_both
    unittest.mock.patch = Patch
    use_their_paths(True)


real_patch = unittest.mock.patch


def end():
    random.seed, unittest.mock.patch = judge_seed, real_patch
    use_their_paths(False)
    State.module, State.kept, State.closers, State.marks = None, {}, [], {}
    return State.cannot


class Request:
    def __init__(self, param=None):
        self.param = param


def parameters_of(function):
    """By name. Of a function that the program has wrapped, those of ours within, if it says so."""
    if is_theirs(function):
        function = getattr(function, "__wrapped__", None)
        if type(function) is not types.FunctionType:
            return {}
    return inspect.signature(function).parameters


class Setting:
    """The fixtures of one call of one test."""

    def __init__(self, owner, instance, params, function):
        self.owner, self.instance, self.params = owner, instance, params
        self.values, self.closers = {}, []
        functions = [function] + [found.function for found in self.all_fixtures()]
        self.ours = not any(map(is_theirs, functions))

    def find(self, name):
        classes = self.owner.__mro__ if self.owner else ()
        for place in [vars(c) for c in classes] + [State.module]:
            for value in list(place.values()):
                if isinstance(value, Fixture) and value.name == name:
                    return value
        return None

    def all_fixtures(self):
        classes = reversed(self.owner.__mro__) if self.owner else []
        places = [State.module] + [vars(c) for c in classes]
        return [v for place in places for v in list(place.values()) if isinstance(v, Fixture)]

    def value(self, name):
        if name in self.values:
            return self.values[name]
        found = self.find(name)
        if found is None:
            self.values[name] = self.builtin(name)
        elif found.scope != "function" and found.name in State.kept:
            self.values[name] = State.kept[found.name]
        else:
            made = self.make(found)
            self.values[name] = made
            if found.scope != "function":
                State.kept[found.name] = made
        return self.values[name]

    def make(self, found):
        function = found.function
        closers = self.closers if found.scope == "function" else State.closers
        bound = [self.instance] if "self" in parameters_of(function) else []
        made = function(*bound, **self.arguments(function, found))
        if inspect.isgenerator(made):
            closers.append(made)
            made = next(made)
        return made

    def builtin(self, name):
        if name in ("capsys", "capfd"):
            capture = Capture()
            capture.__enter__()
            self.closers.append(capture)
            return capture
        if name == "request":
            return Request()
        if name in ("tmp_path", "tmpdir"):
            return guest_import("pathlib").Path(guest_import("tempfile").mkdtemp())
        text = "the tests use the fixture %s, which is not there" % name
        State.cannot = text if self.ours else State.cannot
        raise CannotJudge(text)

    def arguments(self, function, found=None):
        given = {}
        for name, parameter in parameters_of(function).items():
            if name == "self" or parameter.default is not parameter.empty:
                continue
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if name == "request":
                given[name] = Request(self.params.get(found.name) if found else None)
            else:
                given[name] = self.value(name)
        return given

    def close(self):
        for closer in reversed(self.closers):
            if isinstance(closer, Capture):
                closer.__exit__()
            else:
                next(closer, None)


def rows_of(function, owner):
    """Every combination of parametrize's values: (values by name, whether it is skipped)."""
    marks = marks_of(function, "parametrize") + (marks_of(owner, "parametrize") if owner else [])
    tables = []
    for args, kwargs in marks:
        names = kwargs.get("argnames", args[0] if args else ())
        values = kwargs["argvalues"] if "argvalues" in kwargs else args[1]
        names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
        table = []
        for row in values:
            marked = row.marks if isinstance(row, Row) else []
            row = row.values if isinstance(row, Row) else (row,) if len(names) == 1 else row
            left_out = any(kind in ("skip", "xfail") for kind, _, _ in marked)
            table.append((dict(zip(names, row)), left_out))
        tables.append(table)
    for combination in itertools.product(*tables):
        values = {}
        for part, _ in combination:
            values.update(part)
        yield values, any(left_out for _, left_out in combination)


def fixture_rows(setting, function):
    """The parameters of the parametrized fixtures that a test uses."""
    wanted, tables, todo = set(), [], list(parameters_of(function))
    todo += [f.name for f in setting.all_fixtures() if f.autouse]
    while todo:
        found = setting.find(todo.pop())
        if found and found.name not in wanted:
            wanted.add(found.name)
            todo += list(parameters_of(found.function))
            if found.params is not None:
                tables.append([(found.name, value) for value in found.params])
    return [dict(combination) for combination in itertools.product(*tables)]


def hook(setting, name, function):
    """setup_method or setup_function, and teardown_..."""
    found = (getattr(setting.instance, name + "_method", None) if setting.owner
             else State.module.get(name + "_function"))
    if found:
        found(*([function] if parameters_of(found) else []))


def run_row(setting, function, inner, values):
    hook(setting, "setup", function)
    try:
        for found in setting.all_fixtures():
            if found.autouse:
                setting.value(found.name)
        parameters = parameters_of(inner)
        patches = () if is_theirs(function) else getattr(function, "assay_patches", ())
        mocks = sum(not patch.given for patch in patches)
        names = [name for name in parameters if name != "self"][mocks:]
        given = {name: setting.value(name) for name in names
                 if name in values or parameters[name].default is inspect.Parameter.empty}
        made = function(*([setting.instance] if setting.owner else []), **given)
        if inspect.iscoroutine(made):
            import asyncio
            asyncio.run(made)
    finally:
        setting.close()
        hook(setting, "teardown", function)


def run_plain(owner, function):
    if skipped(function, owner):
        return
    inner = function if is_theirs(function) else getattr(function, "assay_inner", function)
    for values, left_out in rows_of(function, owner):
        for params in [] if left_out else fixture_rows(Setting(owner, None, {}, inner), inner):
            setting = Setting(owner, owner() if owner else None, params, inner)
            setting.values.update(values)
            run_row(setting, function, inner, values)


def skipped(function, owner):
    marks = [mark for item in (function, owner) if item for mark in marks_of(item, "skipif")]
    conditions = [args[0] if args else kwargs.get("condition", True) for args, kwargs in marks]
    return any(eval(c, State.module) if isinstance(c, str) else c for c in conditions)


class Outcome(unittest.TestResult):
    """Keeps the first exception of one unittest case."""
    error = None

    def keep(self, exception):
        self.error = self.error or exception

    def addError(self, test, info):
        self.keep(info[1])

    addFailure = addError

    def addSubTest(self, test, subtest, info):
        if info is not None:
            self.keep(info[1])

    def addSkip(self, test, reason):
        # Not by a decorator, which was seen before: a program could ask for it by an exception.
        self.keep(AssertionError("the test skips itself: %s" % reason))

    def addUnexpectedSuccess(self, test):
        self.keep(AssertionError("unexpected success"))


def run_case(owner, name):
    function = getattr(owner, name)
    if any(getattr(item, "__unittest_skip__", False) for item in (owner, function)
           if not is_theirs(item)):
        return
    if skipped(function, owner):
        return
    first_of(owner, "setUpClass")
    outcome = Outcome()
    owner(name).run(outcome)
    if outcome.error is not None:
        raise outcome.error


def first_of(owner, hook):
    """Class and module hooks run before the first test that needs them; if one failed, it fails
    that test and the next."""
    for holder, name in ((None, "setUpModule"), (None, "setup_module"), (owner, hook)):
        key = (holder, name)
        function = State.module.get(name) if holder is None else getattr(holder, name, None)
        if function is None or State.kept.get(key):
            continue
        takes_module = holder is None and len(parameters_of(function)) > 0
        function(*([types.SimpleNamespace(**State.module)] if takes_module else []))
        State.kept[key] = True


def run(name):
    """Runs one test; whatever is raised is its failure."""
    owner, _, method = name.rpartition(".")
    if not owner:
        first_of(None, "")
        return run_plain(None, State.module[method])
    owner = State.module[owner]
    if issubclass(owner, unittest.TestCase):
        return run_case(owner, method)
    first_of(owner, "setup_class")
    return run_plain(owner, getattr(owner, method))
