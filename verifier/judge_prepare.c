/* judge_prepare.c: the rewriting of test code, once a suite.
 *
 * `assert X` becomes a numbered site that is recorded and never raises, so that one wrong answer
 * does not hide the other tests (the functions called are in judge_sites.c):
 *
 *     try:
 *         if not __assay_check__(7, X): __assay_note__(message)
 *     except:
 *         __assay_caught__(7)
 *
 * and `assert L == R` uses __assay_equal__(7, L, R, which) so that both sides can be shown;
 * `which` side is the program's, the one that calls something. A name such as `math` that test
 * code uses but never binds is imported in front: it must be the judge's module, as unbound
 * names are the program's. The transformation is Python because Python's own `ast` module is the
 * only parser that agrees with Python; the text below runs in the judge, on trusted sources. */
#include "verifier/judge_prepare.h"

#include "base/check.h"

static const char prepare_source[] =
    "import ast, builtins, sys\n"
    "\n"
    "MODULES = {name for name in sys.modules if '.' not in name and name[0] != '_'}\n"
    "\n"
    "def bound(tree):\n"
    "    names = set()\n"
    "    for node in ast.walk(tree):\n"
    "        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):\n"
    "            names.add(node.id)\n"
    "        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):\n"
    "            names.add(node.name)\n"
    "        elif isinstance(node, ast.arg):\n"
    "            names.add(node.arg)\n"
    "        elif isinstance(node, ast.alias):\n"
    "            names.add((node.asname or node.name).split('.')[0])\n"
    "        elif isinstance(node, ast.ExceptHandler) and node.name:\n"
    "            names.add(node.name)\n"
    "    return names\n"
    "\n"
    "def unbound_modules(tree, taken):\n"
    "    used = {n.value.id for n in ast.walk(tree)\n"
    "            if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}\n"
    "    called = {n.func.id for n in ast.walk(tree)\n"
    "              if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}\n"
    "    return sorted((used & MODULES) - called - bound(tree) - set(taken))\n"
    "\n"
    "def calls(node):\n"
    "    return any(isinstance(n, ast.Call) for n in ast.walk(node))\n"
    "\n"
    "def call(name, *args):\n"
    "    return ast.Call(ast.Name('__assay_%s__' % name, ast.Load()), list(args), [])\n"
    "\n"
    "class Sites(ast.NodeTransformer):\n"
    "    def __init__(self):\n"
    "        self.texts = []\n"
    "\n"
    "    def visit_Assert(self, node):\n"
    "        number, test = ast.Constant(len(self.texts)), node.test\n"
    "        shown = test\n"
    "        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], "
    "ast.Eq):\n"
    "            left, right = test.left, test.comparators[0]\n"
    "            swap = calls(right) and not calls(left)\n"
    "            shown = right if swap else left\n"
    "            check = call('equal', number, left, right, ast.Constant(swap))\n"
    "        else:\n"
    "            check = call('check', number, test)\n"
    "        self.texts.append(ast.unparse(shown)[:400])\n"
    "        if node.msg:\n"
    "            attempt = ast.If(ast.UnaryOp(ast.Not(), check), [ast.Expr(call('note', "
    "node.msg))], [])\n"
    "        else:\n"
    "            attempt = ast.Expr(check)\n"
    "        handler = ast.ExceptHandler(None, None, [ast.Expr(call('caught', number))])\n"
    "        return ast.copy_location(ast.Try([attempt], [handler], [], []), node)\n"
    "\n"
    "def is_class_name(name):\n"
    "    return name[:1].isupper() and '_' not in name and (len(name) == 1 or not name.isupper())\n"
    "\n"
    "def called(node):\n"
    "    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) "
    "else None\n"
    "\n"
    "def names_in(node):\n"
    "    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} if node else set()\n"
    "\n"
    "# Names whose objects have attributes in the source, or that stand where only a class can.\n"
    "def used_as_classes(tree):\n"
    "    made, found = {}, set()\n"
    "    for n in ast.walk(tree):\n"
    "        if isinstance(n, ast.Assign) and called(n.value):\n"
    "            for name in set().union(*map(names_in, n.targets)):\n"
    "                made.setdefault(name, set()).add(called(n.value))\n"
    "        elif isinstance(n, ast.withitem) and called(n.context_expr):\n"
    "            found.add(called(n.context_expr))\n"
    "    for n in ast.walk(tree):\n"
    "        if isinstance(n, ast.Attribute):\n"
    "            if isinstance(n.value, ast.Name):\n"
    "                found |= made.get(n.value.id, set()) | {n.value.id}\n"
    "            elif called(n.value):\n"
    "                found.add(called(n.value))\n"
    "        elif isinstance(n, ast.ClassDef):\n"
    "            found |= set().union(*map(names_in, n.bases))\n"
    "        elif called(n) in ('isinstance', 'issubclass') and len(n.args) == 2:\n"
    "            found |= names_in(n.args[1])\n"
    "    return {name for name in found if is_class_name(name)}\n"
    "\n"
    "def awaits(tree):\n"
    "    return any(isinstance(n, (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef))\n"
    "               or isinstance(n, ast.Name) and n.id == 'asyncio' for n in ast.walk(tree))\n"
    "\n"
    "def starter(source):\n"
    "    tree = ast.parse(source, '<starter>')\n"
    "    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]\n"
    "    return compile(tree, '<starter>', 'exec'), classes, bound(tree)\n"
    "\n"
    "def shadows(source):\n"
    "    return [node.name for node in ast.parse(source).body\n"
    "            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and hasattr(builtins, "
    "node.name)]\n"
    "\n"
    "# What test code uses and does not bind, but the reference imports: it is the library's.\n"
    "# Never the entry point: a reference may be an import.\n"
    "def borrowed(tree, taken, reference, entry):\n"
    "    try:\n"
    "        body = ast.parse(reference or '').body\n"
    "    except (SyntaxError, ValueError):\n"
    "        body = []\n"
    "    if entry not in {getattr(n, 'name', None) for n in body}:\n"
    "        return []\n"
    "    wanted = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - bound(tree) - "
    "set(taken)\n"
    "    made = []\n"
    "    for n in body:\n"
    "        if not isinstance(n, (ast.Import, ast.ImportFrom)):\n"
    "            continue\n"
    "        module = getattr(n, 'module', n.names[0].name) or ''\n"
    "        names = [a for a in n.names if (a.asname or a.name).split('.')[0] in wanted - "
    "{entry}]\n"
    "        if names and module.split('.')[0] in sys.stdlib_module_names - {'__future__'}:\n"
    "            n.names = names\n"
    "            made.append(n)\n"
    "    return made\n"
    "\n"
    "def tests(source, taken, reference, entry):\n"
    "    tree = ast.parse(source, '<tests>')\n"
    "    defines = any(isinstance(n, ast.FunctionDef) and n.name == 'check' for n in tree.body)\n"
    "    calls_it = any(isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "
    "'check'\n"
    "                   for top in tree.body if not isinstance(top, ast.FunctionDef) for n in "
    "ast.walk(top))\n"
    "    modules, sites = unbound_modules(tree, taken), Sites()\n"
    "    classes, waits = used_as_classes(tree), awaits(tree)\n"
    "    imports = borrowed(tree, taken, reference, entry)\n"
    "    known = {(a.asname or a.name).split('.')[0] for n in imports for a in n.names}\n"
    "    modules = [name for name in modules if name not in known]\n"
    "    if modules:\n"
    "        imports.append(ast.Import([ast.alias(name) for name in modules]))\n"
    "    tree = sites.visit(tree)\n"
    "    if imports:\n"
    "        at = 0\n"
    "        while at < len(tree.body) and (isinstance(tree.body[at], ast.ImportFrom)\n"
    "                                       and tree.body[at].module == '__future__'):\n"
    "            at += 1\n"
    "        tree.body[at:at] = imports\n"
    "    ast.fix_missing_locations(tree)\n"
    "    return compile(tree, '<tests>', 'exec'), sites.texts, defines and not calls_it, "
    "classes, waits\n";

static PyObject *starter_function, *tests_function, *shadows_function;

int judge_prepare_init(void)
{
    PyObject *globals = PyDict_New(), *done = NULL;
    PyObject *code = Py_CompileString(prepare_source, "<prepare>", Py_file_input);
    if (globals && code && PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) == 0)
        done = PyEval_EvalCode(code, globals, globals);
    Py_XDECREF(code);
    if (!done)
        return -1;
    Py_DECREF(done);
    starter_function = PyDict_GetItemString(globals, "starter");
    tests_function = PyDict_GetItemString(globals, "tests");
    shadows_function = PyDict_GetItemString(globals, "shadows");
    CHECK(starter_function && tests_function &&
          shadows_function); /* `globals` lives as long as the process */
    return 0;
}

PyObject *judge_prepare_starter(const char *source)
{
    return PyObject_CallFunction(starter_function, "s", source);
}

PyObject *judge_prepare_tests(const char *source, PyObject *taken, const char *reference,
                              const char *entry_point)
{
    return PyObject_CallFunction(tests_function, "sOzz", source, taken, reference, entry_point);
}

PyObject *judge_prepare_shadows(const char *source)
{
    return PyObject_CallFunction(shadows_function, "s", source);
}

PyObject *judge_prepare_expression(const char *source, const char *where)
{
    return Py_CompileString(source, where, Py_eval_input);
}
