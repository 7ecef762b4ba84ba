# Preparing a test module, once a suite: what it imports, what it counts, how its asserts are
# told. The four files judge_framework*.py are one module, part of judge_framework.c, which
# provides guest_global(name), the program's global; is_theirs(object), whether it is an object of
# the program's; and `Stop`, the exception that unwinds test code when the program has ended. A
# decorator of the program's may stand before a test: what it makes of the test is called, but what
# that says of its marks, parameters and name would be the program's word, and is not asked. This one is loaded at once, the others when a suite needs them.
#
# The standard library's unittest is used as it is. Of pytest's API the part that test modules
# of problem sets use is here, made for one module and function-by-function runs.
import ast
import functools
import importlib.util
import re
import typing


class CannotJudge(Exception):
    """These tests need something that the judge does not have: the problem's fault."""


class Wrong(AssertionError):
    """A failed `assert got == expected`, with both sides."""

    def __init__(self, message, got, expected):
        super().__init__(message)
        self.got, self.expected = got, expected


def calls(node):
    return any(isinstance(n, ast.Call) for n in ast.walk(node))


def dotted(node):
    """"a.b.c" of a name or an attribute of names; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    before = dotted(node.value) if isinstance(node, ast.Attribute) else None
    return before and before + "." + node.attr


class Rewrite(ast.NodeTransformer):
    """Imports of the program become its globals; asserts say what they compared."""

    def __init__(self, modules):
        self.modules = set(modules)

    def is_program(self, name):
        return name is not None and name.split(".")[-1] in self.modules

    def global_of(self, target, name):
        value = "__assay_program__." + name if name else "__assay_program__"
        return ast.parse("%s = %s" % (target, value)).body[0]

    def visit_Import(self, node):
        ours = [a for a in node.names if self.is_program(a.name)]
        made = [self.global_of(a.asname or a.name.split(".")[0], None) for a in ours]
        node.names = [a for a in node.names if a not in ours]
        return ([node] if node.names else []) + [ast.copy_location(m, node) for m in made]

    def visit_ImportFrom(self, node):
        if node.level == 0 and not self.is_program(node.module):
            return node
        if node.module and not self.is_program(node.module):
            raise CannotJudge("the tests import .%s, which is not the program" % node.module)
        # What a star brings in is found anyway: unbound names are the program's.
        made = [self.global_of(a.asname or a.name, a.name) for a in node.names if a.name != "*"]
        return [ast.copy_location(m, node) for m in made or [ast.Pass()]]

    def visit_Assert(self, node):
        self.generic_visit(node)
        test, text = node.test, ast.Constant(ast.unparse(node.test)[:400])
        equals = isinstance(test, ast.Compare) and [type(op) for op in test.ops] == [ast.Eq]
        if not equals:
            node.msg = node.msg or text
            return node
        left, right = test.left, test.comparators[0]
        swap = ast.Constant(calls(right) and not calls(left))
        none = ast.arguments([], [], None, [], [], None, [])
        message = ast.Lambda(none, node.msg or text)
        same = ast.Call(ast.Name("__assay_same__", ast.Load()), [left, right, swap, message], [])
        return ast.copy_location(ast.Expr(same), node)


def check_imports(tree, modules):
    for node in tree.body:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            names = [node.module] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
        for name in names:
            need_module(name, modules)


def importable(source):
    """Of tests of any kind: nothing that they import at their top is missing."""
    check_imports(ast.parse(source, "<tests>"), ())


def need_module(name, modules=()):
    root = name.split(".")[0]
    if root == "pytest" or name.split(".")[-1] in modules:
        return
    if importlib.util.find_spec(root) is None:
        raise CannotJudge("the tests need the module %s, which is not there "
                          "(`python: {path, preload}` in --config admits packages)" % root)


STREAMS = {"sys.stdin", "sys.stdout", "sys.stderr"}
STREAM_TOOLS = {"redirect_stdout", "redirect_stderr"}


def check_patches(tree, modules):
    """What replaces parts of the program's world must be something that can cross to it."""
    for node in ast.walk(tree):
        name = dotted(node) if isinstance(node, (ast.Name, ast.Attribute)) else None
        last = name.split(".")[-1] if name else None
        if last == "mock_open" or (name and re.search(r"\bpatch\.(object|dict|multiple)$", name)):
            raise CannotJudge("the tests use %s on the program's side, which cannot cross" % name)
        assigned = map(dotted, node.targets) if isinstance(node, ast.Assign) else ()
        if last in STREAM_TOOLS or STREAMS.intersection(assigned):
            raise CannotJudge("the tests replace streams of their own process, not the program's; "
                              "use capsys or patch('sys.stdout', new_callable=StringIO)")
        called = dotted(node.func) if isinstance(node, ast.Call) and node.args else None
        if called and called.split(".")[-1] == "patch":
            target = getattr(node.args[0], "value", None)
            root = target.split(".")[0] if isinstance(target, str) else None
            if root and root not in modules and importlib.util.find_spec(root) is None:
                raise CannotJudge("the tests patch %s, which is not there" % target)


def is_marked(node, *marks):
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if (dotted(called) or "").split(".")[-1] in marks:
            return True
    return False


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def test_functions(body):
    return {node.name: node for node in body
            if isinstance(node, FUNCTIONS) and node.name.startswith("test")
            and not is_marked(node, "fixture")}


def test_names(tree):
    """Test functions and methods, by text alone: what is counted does not depend on any run."""
    cases, methods, names = set(), {}, []
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            names += [n for n, f in test_functions([node]).items()
                      if not is_marked(f, "skip", "xfail")]
            continue
        bases = [(dotted(base) or "").split(".")[-1] for base in node.bases]
        own = {}
        for base in bases:
            own.update(methods.get(base, {}))
        own.update(test_functions(node.body))
        methods[node.name] = own
        is_case = any(base in cases or base.endswith("TestCase") for base in bases)
        if is_case:
            cases.add(node.name)
        wanted = is_case or node.name.startswith("Test")
        if wanted and not is_marked(node, "skip", "xfail"):
            names += [node.name + "." + n for n in (sorted(own) if is_case else own)
                      if not is_marked(own[n], "skip", "xfail")]
    return list(dict.fromkeys(names))


def prepare(source, modules):
    """(code, names of the tests)"""
    tree = ast.parse(source, "<tests>")
    names = test_names(tree)
    if not names:
        raise CannotJudge("there is no test function or test class")
    check_imports(tree, modules)
    check_patches(tree, modules)
    tree = Rewrite(modules).visit(tree)
    ast.fix_missing_locations(tree)
    return compile(tree, "<tests>", "exec"), names


own_hints = typing.get_type_hints


@functools.wraps(own_hints)
def get_type_hints(obj, *args, **kwargs):
    """Annotations may be text, which is run to read them: the program's where the program runs."""
    if is_theirs(obj):
        theirs = guest_global("__builtins__").__import__("typing")
        return theirs.get_type_hints(obj, *args, **kwargs)
    return own_hints(obj, *args, **kwargs)


typing.get_type_hints = get_type_hints
