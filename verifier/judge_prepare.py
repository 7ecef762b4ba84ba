# Rewrites test code, once a suite; see judge_prepare.c.
import ast, builtins, sys

MODULES = {name for name in sys.modules if '.' not in name and name[0] != '_'}


def called(node):
    return node.func.id if type(node) is ast.Call and type(node.func) is ast.Name else None


def names_in(node):
    return {n.id for n in ast.walk(node) if type(n) is ast.Name}


def is_class_name(name):
    return name[:1].isupper() and '_' not in name and (len(name) == 1 or not name.isupper())


class Scan:
    """What one walk over a tree tells about its names."""

    def __init__(self, tree):
        self.bound, self.read, self.called, self.owners = set(), set(), set(), set()
        self.classes, self.made, self.awaits = set(), {}, False
        for node in ast.walk(tree):
            handler = self.HANDLERS.get(type(node))
            if handler:
                handler(self, node)

    def name(self, node):
        (self.read if type(node.ctx) is ast.Load else self.bound).add(node.id)
        self.awaits = self.awaits or node.id == 'asyncio'

    def definition(self, node):
        self.bound.add(node.name)
        if type(node) is ast.ClassDef:
            self.classes.update(*map(names_in, node.bases))
        self.awaits = self.awaits or type(node) is ast.AsyncFunctionDef

    def handler(self, node):
        if node.name:
            self.bound.add(node.name)

    def call(self, node):
        name = called(node)
        if name:
            self.called.add(name)
        if name in ('isinstance', 'issubclass') and len(node.args) == 2:
            self.classes |= names_in(node.args[1])

    def attribute(self, node):
        if type(node.value) is ast.Name:
            self.owners.add(node.value.id)
        elif called(node.value):
            self.classes.add(called(node.value))

    def assign(self, node):
        if called(node.value):
            for name in set().union(*map(names_in, node.targets)):
                self.made.setdefault(name, set()).add(called(node.value))

    def item(self, node):
        if called(node.context_expr):
            self.classes.add(called(node.context_expr))

    def waits(self, node):
        self.awaits = True

    HANDLERS = {
        ast.Name: name, ast.FunctionDef: definition, ast.AsyncFunctionDef: definition,
        ast.ClassDef: definition, ast.ExceptHandler: handler, ast.Call: call,
        ast.Attribute: attribute, ast.Assign: assign, ast.withitem: item,
        ast.Await: waits, ast.AsyncFor: waits, ast.AsyncWith: waits,
        ast.arg: lambda self, node: self.bound.add(node.arg),
        ast.alias: lambda self, node: self.bound.add((node.asname or node.name).split('.')[0]),
    }

    def unbound_modules(self, taken):
        return (self.owners & MODULES) - self.called - self.bound - set(taken)

    def used_as_classes(self):
        """Names whose objects have attributes in the source, or that stand where only a class can."""
        made = set().union(*(self.made.get(owner, ()) for owner in self.owners))
        return {name for name in self.classes | self.owners | made if is_class_name(name)}


def calls(node):
    return any(type(n) is ast.Call for n in ast.walk(node))


def call(name, *args):
    return ast.Call(ast.Name('__assay_%s__' % name, ast.Load()), list(args), [])


class Sites(ast.NodeTransformer):
    def __init__(self):
        self.texts = []

    def visit_Assert(self, node):
        number, test = ast.Constant(len(self.texts)), node.test
        shown = test
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
            left, right = test.left, test.comparators[0]
            swap = calls(right) and not calls(left)
            shown = right if swap else left
            check = call('equal', number, left, right, ast.Constant(swap))
        else:
            check = call('check', number, test)
        self.texts.append(ast.unparse(shown)[:400])
        if node.msg:
            attempt = ast.If(ast.UnaryOp(ast.Not(), check), [ast.Expr(call('note', node.msg))], [])
        else:
            attempt = ast.Expr(check)
        handler = ast.ExceptHandler(None, None, [ast.Expr(call('caught', number))])
        return ast.copy_location(ast.Try([attempt], [handler], [], []), node)


def checks_by_calls(tree):
    """Whether it can fail without an assert: by a raise of its own, or by assert_allclose and its kin."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, 'id', getattr(node.func, 'attr', ''))
            if name.lower().startswith(('assert', 'fail')):
                return True
        elif isinstance(node, ast.Raise):
            return True
    return False


def borrowed(scan, taken, reference, entry):
    """What test code uses and does not bind, but the reference imports: it is the library's. Never
    the entry point: a reference may be an import."""
    try:
        body = ast.parse(reference or '').body
    except (SyntaxError, ValueError):
        body = []
    if entry not in {getattr(n, 'name', None) for n in body}:
        return []
    wanted = scan.read - scan.bound - set(taken) - {entry}
    made = []
    for n in body:
        if not isinstance(n, (ast.Import, ast.ImportFrom)):
            continue
        module = getattr(n, 'module', n.names[0].name) or ''
        names = [a for a in n.names if (a.asname or a.name).split('.')[0] in wanted]
        if names and module.split('.')[0] in sys.stdlib_module_names - {'__future__'}:
            n.names = names
            made.append(n)
    return made


def starter(source):
    tree = ast.parse(source, '<starter>')
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    return compile(tree, '<starter>', 'exec'), classes, Scan(tree).bound


def shadows(source):
    return [node.name for node in ast.parse(source).body
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and hasattr(builtins, node.name)]


def tests(source, taken, reference, entry):
    tree = ast.parse(source, '<tests>')
    defines = any(isinstance(n, ast.FunctionDef) and n.name == 'check' for n in tree.body)
    calls_it = any(called(n) == 'check' for top in tree.body if not isinstance(top, ast.FunctionDef)
                   for n in ast.walk(top))
    scan, sites = Scan(tree), Sites()
    imports = borrowed(scan, taken, reference, entry)
    known = {(a.asname or a.name).split('.')[0] for n in imports for a in n.names}
    modules = sorted(scan.unbound_modules(taken) - known)
    if modules:
        imports.append(ast.Import([ast.alias(name) for name in modules]))
    otherwise = checks_by_calls(tree)
    tree = sites.visit(tree)
    if imports:
        at = 0
        while at < len(tree.body) and (isinstance(tree.body[at], ast.ImportFrom)
                                       and tree.body[at].module == '__future__'):
            at += 1
        tree.body[at:at] = imports
    ast.fix_missing_locations(tree)
    return (compile(tree, '<tests>', 'exec'), sites.texts, defines and not calls_it,
            scan.used_as_classes(), scan.awaits, otherwise)
