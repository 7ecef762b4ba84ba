# The program's side as test code sees it: its globals, its streams, its files, and patches that
# take effect where it runs.
import inspect
import itertools
import os.path
import pathlib
import random
import sys
import types
import unittest
import unittest.mock


class State:
    """Of the one program being graded."""
    module = None
    kept = {}
    closers = []
    marks = {}  # id: (object of the program's, what the tests marked it with)
    trying = False  # the program is the problem's own reference
    cannot = None  # why these tests can judge no program


def lent(mock):
    """The mock as the program may call it. Another mock cannot cross as its answer; if that is
    what the reference gets, the tests are not for here."""
    if not isinstance(mock, unittest.mock.NonCallableMock):
        return mock

    def call(*args, **kwargs):
        answer = mock(*args, **kwargs)
        if isinstance(answer, unittest.mock.NonCallableMock):
            text = "a patched function answers with a mock object, which cannot cross"
            State.cannot = State.cannot or (text if State.trying else None)
            raise CannotJudge(text)
        return answer

    return call


def guest_import(name):
    return guest_global("__builtins__").__import__(name, {}, {}, ["*"])


class Program:
    """`import solution`: the program's globals as attributes."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return guest_global(name)
        except NameError:
            raise ImportError("the program does not define %s" % name) from None


def same(left, right, swap, message):
    if not left == right:
        got, expected = (right, left) if swap else (left, right)
        raise Wrong(message(), got, expected)


FILES = {
    "os": "chdir chmod getcwd link listdir makedirs mkdir open remove removedirs rename renames "
          "replace rmdir scandir stat symlink truncate unlink utime walk",
    "os.path": "exists getmtime getsize isdir isfile islink lexists",
    "glob": "glob iglob",
    "zipfile": "ZipFile is_zipfile",
    "shutil": "copy copy2 copyfile copytree move rmtree",
    "tempfile": "NamedTemporaryFile SpooledTemporaryFile TemporaryDirectory TemporaryFile "
                "gettempdir mkdtemp mkstemp mktemp",
}


class Files(types.ModuleType):
    """A module whose functions on files are the program's: its files are the only ones. What
    does not touch a file (os.path.join, ...) stays here, out of the program's hands."""

    def __init__(self, module):
        super().__init__(module.__name__)
        self.assay_module = module
        self.assay_name = "os.path" if module is os.path else module.__name__

    def __getattr__(self, name):
        if name in FILES[self.assay_name].split():
            return getattr(guest_import(self.assay_name), name)
        value = getattr(self.assay_module, name)
        return Files(value) if value is os.path else value


# A Path crosses by value; what it does to files, it does over there.
PATH_METHODS = ("chmod exists glob is_dir is_file is_symlink iterdir lstat mkdir open read_bytes "
                "read_text rename replace resolve rglob rmdir samefile stat symlink_to touch unlink "
                "write_bytes write_text").split()
own_paths = {name: getattr(pathlib.Path, name) for name in PATH_METHODS}


def their_path(name):
    def method(self, *args, **kwargs):
        return getattr(guest_import("pathlib").Path, name)(self, *args, **kwargs)
    return method


def use_their_paths(yes):
    for name, own in own_paths.items():
        setattr(pathlib.Path, name, their_path(name) if yes else own)


class TheirOpen:
    def __call__(self, *args, **kwargs):
        return guest_import("builtins").open(*args, **kwargs)


def use_their_files(module):
    """After the test module ran: what it imported for files, and open(), reach into the program's
    process from here on."""
    mine = {id(m): m for m in map(sys.modules.get, FILES) if m is not None}
    functions = {id(getattr(m, f)): (n, f) for n, names in FILES.items() for f in names.split()
                 for m in [sys.modules.get(n)] if hasattr(m, f)}
    for name, value in list(module.items()):
        if id(value) in mine:
            module[name] = Files(value)
        elif id(value) in functions:
            where, what = functions[id(value)]
            module[name] = getattr(guest_import(where), what)
    module.setdefault("open", TheirOpen())


class Capture:
    """The program's standard streams, kept in its own process: capsys and capfd."""

    def __enter__(self):
        self.sys = guest_import("sys")
        self.streams = [guest_import("io").StringIO() for _ in range(2)]
        self.before = [self.sys.stdout, self.sys.stderr]
        self.sys.stdout, self.sys.stderr = self.streams
        return self

    def __exit__(self, *_):
        self.sys.stdout, self.sys.stderr = self.before

    def readouterr(self):
        texts = []
        for stream in self.streams:
            texts.append(str(stream.getvalue()))
            stream.seek(0)
            stream.truncate(0)
        return types.SimpleNamespace(out=texts[0], err=texts[1])


class Patch:
    """unittest.mock.patch("module.name"), done where the program runs. What replaces the name
    is called back here."""

    def __init__(self, target, new=unittest.mock.DEFAULT, *, new_callable=None, **kwargs):
        self.module, _, self.name = target.rpartition(".")
        self.given = new is not unittest.mock.DEFAULT
        self.new, self.new_callable, self.kwargs = new, new_callable, kwargs

    def replacement(self):
        if self.given:
            return self.new
        if getattr(self.new_callable, "__name__", None) in ("StringIO", "BytesIO"):
            return getattr(guest_import("io"), self.new_callable.__name__)()
        return (self.new_callable or unittest.mock.MagicMock)(**self.kwargs)

    def holder(self):
        if not self.module or self.module in program_modules:
            return guest_import("sys").modules[str(guest_global("__name__"))]
        try:
            return guest_import(self.module)
        except ImportError:
            outer, _, inner = self.module.rpartition(".")
            return getattr(guest_import(outer), inner)

    def __enter__(self):
        self.at = self.holder()
        self.before = getattr(self.at, self.name)
        self.now = self.replacement()
        setattr(self.at, self.name, lent(self.now))
        return self.now

    def __exit__(self, *_):
        setattr(self.at, self.name, self.before)

    start = __enter__

    def stop(self):
        self.__exit__()

    def __call__(self, function):
        if isinstance(function, type):
            for name, value in list(vars(function).items()):
                if name.startswith("test") and callable(value):
                    setattr(function, name, self(value))
            return function
        theirs = is_theirs(function)
        patches = None if theirs else getattr(function, "assay_patches", None)
        if patches is not None:
            patches.append(self)
            return function
        patches = [self]

        def patched(*args, **kwargs):
            return run_patched(list(patches), function, args, kwargs)

        patched.assay_patches, patched.assay_inner = patches, function
        if theirs:
            patched.assay_marks = marks_on(function)
        else:
            patched.__name__ = function.__name__
            patched.__dict__.update({**vars(function), **patched.__dict__})
        return patched


def run_patched(patches, function, args, kwargs):
    if not patches:
        return function(*args, **kwargs)
    with patches[0] as mock:
        added = () if patches[0].given else (mock,)
        return run_patched(patches[1:], function, args + added, kwargs)
