# Rewrites test code, once a suite; see judge_prepare.c. A suite has hundreds of nodes and is often met by a
# few programs only, so each tree is walked once, and what only a failure shows is made when there is one.
import ast, builtins, sys

MODULES = {name for name in sys.modules if '.' not in name and name[0] != '_'}


def nodes_of(tree):
    """What ast.walk yields, in the same order, at a third of its price."""
    found = [tree]
    for node in found:
        for value in node.__dict__.values():
            if isinstance(value, ast.AST):
                found.append(value)
            elif type(value) is list:
                found += [item for item in value if isinstance(item, ast.AST)]
    return found


def called(node):
    return node.func.id if type(node) is ast.Call and type(node.func) is ast.Name else None


def names_in(node):
    return {n.id for n in nodes_of(node) if type(n) is ast.Name}


def is_class_name(name):
    return name[:1].isupper() and '_' not in name and (len(name) == 1 or not name.isupper())


class Scan:
    """What the nodes of a tree tell about its names."""

    def __init__(self, nodes):
        self.bound, self.read, self.called, self.owners = set(), set(), set(), set()
        self.classes, self.made, self.awaits = set(), {}, False
        for node in nodes:
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
    return any(type(n) is ast.Call for n in nodes_of(node))


class Sites:
    """Replaces the asserts among the statements of a tree, in the order of the source. `texts` gets the
    source of what each one shows when it fails."""

    def __init__(self, source):
        self.texts = []
        self.lines = source.removeprefix('\ufeff').replace('\r\n', '\n').replace('\r', '\n').encode().split(b'\n')

    def visit(self, owner):
        for field in owner._fields:
            part = getattr(owner, field, None)
            if type(part) is not list or not part or not isinstance(part[0], STATEMENTS):
                continue
            for i, node in enumerate(part):
                if type(node) is ast.Assert:
                    part[i] = self.site(node)
                else:
                    self.visit(node)

    def source(self, node):
        if type(node) is ast.Constant:
            return ast.unparse(node)
        lines = self.lines[node.lineno - 1:node.end_lineno]
        lines[-1] = lines[-1][:node.end_col_offset]
        lines[0] = lines[0][node.col_offset:]
        return b'\n'.join(lines).decode(errors='replace')

    def site(self, node):
        where = {key: getattr(node, key) for key in node._attributes}

        def call(name, *args):
            return ast.Call(ast.Name('__assay_%s__' % name, ast.Load(), **where), list(args), [], **where)

        number, test = ast.Constant(len(self.texts), **where), node.test
        shown = test
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
            left, right = test.left, test.comparators[0]
            swap = calls(right) and not calls(left)
            shown = right if swap else left
            check = call('equal', number, left, right, ast.Constant(swap, **where))
        else:
            check = call('check', number, test)
        self.texts.append(self.source(shown))
        if node.msg:
            note = ast.Expr(call('note', node.msg), **where)
            attempt = ast.If(ast.UnaryOp(ast.Not(), check, **where), [note], [], **where)
        else:
            attempt = ast.Expr(check, **where)
        handler = ast.ExceptHandler(None, None, [ast.Expr(call('caught', number), **where)], **where)
        return ast.Try([attempt], [handler], [], [], **where)


# What the lists hold that have statements in them, at some depth.
STATEMENTS = ast.stmt, ast.ExceptHandler, ast.match_case


def shown(text):
    """How a site's text is told: as Python itself would write it."""
    try:
        return ast.unparse(ast.parse('(%s\n)' % text, mode='eval'))[:400]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text[:400]


def checks_by_calls(nodes):
    """Whether it can fail without an assert: by a raise of its own, or by assert_allclose and its kin."""
    for node in nodes:
        if type(node) is ast.Call:
            name = getattr(node.func, 'id', getattr(node.func, 'attr', ''))
            if name.lower().startswith(('assert', 'fail')):
                return True
        elif type(node) is ast.Raise:
            return True
    return False


def borrowed(scan, taken, reference, entry):
    """What test code uses and does not bind, but the reference imports: it is the library's. Never
    the entry point: a reference may be an import."""
    wanted = scan.read - scan.bound - set(taken) - {entry}
    reference = reference or ''
    if reference.isascii() and not any(name in reference for name in wanted):
        return []
    try:
        body = ast.parse(reference).body
    except (SyntaxError, ValueError):
        body = []
    if entry not in {getattr(n, 'name', None) for n in body}:
        return []
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
    return compile(tree, '<starter>', 'exec'), classes, Scan(nodes_of(tree)).bound


def shadows(source):
    return [node.name for node in ast.parse(source).body
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and hasattr(builtins, node.name)]


def tests(source, taken, reference, entry):
    tree = ast.parse(source, '<tests>')
    nodes = nodes_of(tree)
    defines = any(isinstance(n, ast.FunctionDef) and n.name == 'check' for n in tree.body)
    calls_it = defines and any(called(n) == 'check' for top in tree.body if not isinstance(top, ast.FunctionDef)
                               for n in nodes_of(top))
    scan, sites = Scan(nodes), Sites(source)
    imports = borrowed(scan, taken, reference, entry)
    known = {(a.asname or a.name).split('.')[0] for n in imports for a in n.names}
    modules = sorted(scan.unbound_modules(taken) - known)
    if modules:
        made = ast.Import([ast.alias(name) for name in modules])
        imports.append(ast.fix_missing_locations(made))
    sites.visit(tree)
    if imports:
        at = 0
        while at < len(tree.body) and (isinstance(tree.body[at], ast.ImportFrom)
                                       and tree.body[at].module == '__future__'):
            at += 1
        tree.body[at:at] = imports
    return (compile(tree, '<tests>', 'exec'), sites.texts, defines and not calls_it,
            scan.used_as_classes(), scan.awaits, checks_by_calls(nodes))
