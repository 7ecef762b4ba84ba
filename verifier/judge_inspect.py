# What `assay check` wants to know of a problem beyond running it: programs that are nearly its
# reference and should fail (mutants), programs that do next to nothing and must fail (trivial
# ones), what its prompt gives away, and the reference's shape. Trusted sources only; part of
# judge_inspect.c.
import ast
import random
import re
import sys

SWAPS = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.And: (ast.Or,),
    ast.Or: (ast.And,), ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Add,),
    ast.Div: (ast.FloorDiv,), ast.FloorDiv: (ast.Div, ast.Mod), ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,), ast.LShift: (ast.RShift,), ast.RShift: (ast.LShift,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd, ast.BitXor), ast.BitXor: (ast.BitOr,),
}
OTHER_NAME = {
    'min': 'max', 'max': 'min', 'any': 'all', 'all': 'any', 'sorted': 'list', 'set': 'list',
    'reversed': 'list', 'abs': 'int', 'lower': 'upper', 'upper': 'lower', 'ceil': 'floor',
    'floor': 'ceil', 'startswith': 'endswith', 'endswith': 'startswith',
    'appendleft': 'append', 'popleft': 'pop', 'find': 'rfind', 'lstrip': 'rstrip',
    'bisect_left': 'bisect_right', 'bisect_right': 'bisect_left', 'heappop': 'heapify',
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = FUNCTIONS + (ast.ClassDef,)
UNTOUCHED_FIELDS = {'annotation', 'returns', 'decorator_list', 'type_comment', 'msg', 'format_spec'}
SHOWN_MIN = 8    # letters of arguments that do not stand in a prompt by chance
ANSWER_MIN = 16  # the same of an answer whose call is not there
BODY_MIN = 24    # the same of code
SHAPE_MIN = 32   # nodes of a reference whose shape says anything
TESTS_MAX = 2000


def parse(source):
    """The tree of a source, without docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, 'body', None)
        if isinstance(node, SCOPES + (ast.Module,)) and body and is_text(body[0]):
            body[:1] = [] if len(body) > 1 or isinstance(node, ast.Module) else [ast.Pass()]
    return tree


def is_text(node):
    return (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str))


def constant(value):
    return ast.Constant(value)


# ---- mutants ------------------------------------------------------------------------------------
# An edit is (holder, key, new): a list or a node, where in it, and what to put there.

def put(holder, key, new):
    if isinstance(holder, list):
        old, holder[key] = holder[key], new
    else:
        old = getattr(holder, key)
        setattr(holder, key, new)
    return old


def places(node, line, in_raise=False):
    """Every node below this one with where it stands: (holder, key), its line, and whether it
    only words an exception."""
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal)):
        return
    line = getattr(node, 'lineno', line)
    in_raise = in_raise or isinstance(node, ast.Raise)
    for name, value in ast.iter_fields(node):
        if name in UNTOUCHED_FIELDS:
            continue
        items = enumerate(value) if isinstance(value, list) else ((name, value),)
        for key, child in items:
            if isinstance(child, ast.AST):
                holder = value if isinstance(value, list) else node
                yield holder, key, child, getattr(child, 'lineno', line), in_raise
                yield from places(child, line, in_raise)


def constants_near(value):
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return (1,) if value == 0 else (value + 1, value - 1)
    if isinstance(value, float):
        return (value + 1.0,)
    if isinstance(value, str):
        return ('',) if value else ('x',)
    return ()


def edits_of(holder, key, node, in_raise):
    if type(node) in SWAPS:
        for kind in SWAPS[type(node)]:
            yield holder, key, kind()
    elif isinstance(node, ast.Constant) and not in_raise:
        for value in constants_near(node.value):
            yield holder, key, constant(value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        yield holder, key, node.operand
    elif isinstance(node, (ast.If, ast.While, ast.IfExp)):
        if not isinstance(node.test, (ast.Compare, ast.Constant)):  # they have edits of their own
            yield node, 'test', ast.UnaryOp(ast.Not(), node.test)
        if isinstance(node, ast.If) and not node.orelse:
            yield holder, key, ast.Pass()
    elif isinstance(node, ast.comprehension):
        for i in range(len(node.ifs)):
            yield node, 'ifs', node.ifs[:i] + node.ifs[i + 1:]
    elif isinstance(node, ast.Slice):
        for bound in ('lower', 'upper', 'step'):
            if getattr(node, bound):
                yield node, bound, None
    elif isinstance(node, ast.Call):
        for i in range(len(node.keywords)):
            yield node, 'keywords', node.keywords[:i] + node.keywords[i + 1:]
    elif isinstance(node, ast.Name) and node.id in OTHER_NAME:
        yield node, 'id', OTHER_NAME[node.id]
    elif isinstance(node, ast.Attribute) and node.attr in OTHER_NAME:
        yield node, 'attr', OTHER_NAME[node.attr]
    elif isinstance(node, ast.Return) and node.value and not is_none(node.value):
        yield node, 'value', constant(None)
    elif isinstance(node, ast.Break):
        yield holder, key, ast.Pass()
    elif isinstance(node, (ast.AugAssign, ast.Continue, ast.Raise, ast.Delete)):
        yield holder, key, ast.Pass()
    elif isinstance(node, ast.Expr) and isinstance(node.value, (ast.Call, ast.Await)):
        yield holder, key, ast.Pass()
    elif isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name):
        if not isinstance(node.targets[0], ast.Tuple):
            yield holder, key, ast.Pass()


def is_none(node):
    return isinstance(node, ast.Constant) and node.value is None


def is_main_block(node):
    return isinstance(node, ast.If) and any(isinstance(n, ast.Name) and n.id == '__name__'
                                            for n in ast.walk(node.test))


def reachable(tree, entry):
    """The top-level statements that the entry point can come to; all without one."""
    first = (entry or '').split('.')[0]
    named = {node.name: node for node in tree.body if isinstance(node, SCOPES)}
    if first not in named:
        return tree.body
    wanted, found = [first] + [n.id for top in tree.body if not isinstance(top, SCOPES)
                               for n in ast.walk(top) if isinstance(n, ast.Name)], set()
    while wanted:
        name = wanted.pop()
        if name in named and name not in found:
            found.add(name)
            wanted += [n.id for n in ast.walk(named[name]) if isinstance(n, ast.Name)]
    return [top for top in tree.body if not isinstance(top, SCOPES) or top.name in found]


def changed_lines(before, after):
    """What differs, as two short texts."""
    was, now = before.splitlines(), after.splitlines()
    while was and now and was[0] == now[0]:
        was, now = was[1:], now[1:]
    while was and now and was[-1] == now[-1]:
        was, now = was[:-1], now[:-1]
    return ['\n'.join(line.strip() for line in lines)[:300] for lines in (was, now)]


def spread(edits):
    """All of them, each line's turn after the others'; the same order each time."""
    draw, lines = random.Random(0), {}
    for edit in edits:
        lines.setdefault(edit[0], []).append(edit)
    queues = [lines[line] for line in sorted(lines)]
    for queue in queues:
        draw.shuffle(queue)
    while queues:
        draw.shuffle(queues)
        for queue in queues:
            yield queue.pop()
        queues = [queue for queue in queues if queue]


def mutants(tree, entry, main_runs, limit):
    original = ast.unparse(tree)
    seen, made, edits = {original}, [], []
    for top in reachable(tree, entry):
        if main_runs or not is_main_block(top):
            for holder, key, node, line, in_raise in places(top, top.lineno):
                edits += [(line, edit) for edit in edits_of(holder, key, node, in_raise)]
    for line, (holder, key, new) in spread(edits):
        if len(made) >= limit:
            break
        old = put(holder, key, new)
        try:
            source = ast.unparse(ast.fix_missing_locations(tree))
            compile(source, '<mutant>', 'exec', dont_inherit=True)
        except (ValueError, SyntaxError):
            source = original
        put(holder, key, old)
        if source not in seen:
            seen.add(source)
            was, now = changed_lines(original, source)
            made.append({'source': source, 'line': line, 'was': was, 'now': now})
    return made, len(edits)


# ---- trivial programs ---------------------------------------------------------------------------

def functions_of(tree, entry):
    """The functions whose bodies make the answer."""
    first, _, method = (entry or '').partition('.')
    found = []
    for top in tree.body:
        if isinstance(top, FUNCTIONS) and (not entry or top.name == first):
            found.append((top, False))
        elif isinstance(top, ast.ClassDef) and (not entry or top.name == first):
            found += [(node, True) for node in top.body if isinstance(node, FUNCTIONS)
                      and (node.name == method if method else node.name != '__init__')]
    if not found and entry:  # a method that may as well be a function: it is of some class
        found = [(node, True) for top in tree.body if isinstance(top, ast.ClassDef)
                 for node in top.body
                 if isinstance(node, FUNCTIONS) and node.name == (method or first)]
    return found


def trivial_functions(tree, entry, answers):
    targets = functions_of(tree, entry)
    original, bodies = ast.unparse(tree), [node.body for node, _ in targets]
    kinds = [('does nothing', None), ('returns its first argument', '')]
    kinds += [('always returns ' + text[:60], text) for text in answers]
    for what, text in kinds if targets else ():
        for node, is_method in targets:
            names = [a.arg for a in node.args.posonlyargs + node.args.args][is_method:]
            value = (names[0] if names else 'None') if text == '' else text
            node.body = [ast.Return(ast.parse(value, mode='eval').body)] if value else [ast.Pass()]
        source = ast.unparse(ast.fix_missing_locations(tree))
        for (node, _), body in zip(targets, bodies):
            node.body = body
        if source != original:
            yield {'source': source, 'what': what}


def trivial_programs(stdio):
    yield {'source': 'pass', 'what': 'prints nothing'}
    if any(test.get('stdin') for test in stdio):
        yield {'source': 'import sys\nsys.stdout.write(sys.stdin.read())',
               'what': 'prints its input'}
        yield {'source': 'import sys\nsys.stdout.write(%r)' % stdio[0].get('stdout', ''),
               'what': "always prints the first test's output"}


def usual_answers(tests):
    """Sources of constants to try: the usual ones, and the commonest answers of the tests."""
    counts = {}
    for arguments, answer in tests:
        if answer and len(answer) <= 4000 and arguments:
            counts[answer] = counts.get(answer, 0) + 1
    common = sorted(counts, key=lambda text: -counts[text])[:3]
    return list(dict.fromkeys(['True', 'False', '0', '1', "''", '[]'] + common))


# ---- what the prompt gives away -----------------------------------------------------------------

def literal(node):
    try:
        ast.literal_eval(node)
        return True
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False


def call_text(node):
    """The arguments of a call of literals as text, else None."""
    if not isinstance(node, ast.Call) or not all(map(literal, node.args)):
        return None
    if not all(k.arg and literal(k.value) for k in node.keywords):
        return None
    return ast.unparse(ast.Call(ast.Name('f'), node.args, node.keywords))[2:-1]


def assert_test(node):
    test, answer = node.test, 'True'
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, answer = test.operand, 'False'
    elif isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.Eq, ast.Is)):
        test, right = test.left, test.comparators[0]
        if isinstance(right, ast.Call) and not isinstance(test, ast.Call):
            test, right = right, test
        answer = ast.unparse(right) if literal(right) else None
    return call_text(test), answer


def method_test(node):
    """The same of unittest's self.assertEqual(f(1), 2)."""
    answer = 'True'
    if len(node.args) > 1:
        answer = ast.unparse(node.args[1]) if literal(node.args[1]) else None
    return call_text(node.args[0]) if node.args else None, answer


def one_case(case):
    if 'call' in case:
        arguments = call_text(ast.parse(case['call'], mode='eval').body)
    else:
        values = [repr(value) for value in case.get('args', ())]
        values += ['%s=%r' % item for item in case.get('kwargs', {}).items()]
        arguments = ', '.join(values)
    if 'returns' in case:
        node = ast.parse(case['returns'], mode='eval').body
        return arguments, ast.unparse(node) if literal(node) else None
    return arguments, repr(case['expected']) if 'expected' in case else None


def function_tests(request):
    """(arguments, answer) of every test that is one call of literals. None: it cannot be said."""
    found = [one_case(case) for case in request['cases'][:TESTS_MAX]]
    if request['tests']:
        for node in ast.walk(ast.parse(request['tests'])):
            if isinstance(node, ast.Assert):
                found.append(assert_test(node))
            elif (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
                  and node.func.attr.startswith('assert')):
                found.append(method_test(node))
            if len(found) >= TESTS_MAX:
                break
    return found


def squeeze(text):
    return re.sub(r'\s+', '', text).replace('"', "'")


def shown_functions(tests, prompt):
    """How many tests stand in the prompt whole, and how many long answers without their calls."""
    whole = answers = 0
    for arguments, answer in tests:
        arguments, answer = squeeze(arguments or ''), squeeze(answer or '')
        if arguments and answer and ('(' + arguments + ')' in prompt or
                                     len(arguments) >= SHOWN_MIN and arguments in prompt):
            whole += len(answer) < SHOWN_MIN or answer in prompt
        elif len(answer) >= ANSWER_MIN and answer in prompt and answer not in arguments:
            answers += 1
    return whole, answers


def shown_programs(stdio, prompt):
    whole = answers = 0
    for test in stdio[:TESTS_MAX]:
        given, answer = squeeze(test.get('stdin', '')), squeeze(test.get('stdout', ''))
        if given and answer and given in prompt and answer in prompt:
            whole += len(given) + len(answer) >= SHOWN_MIN
        elif len(answer) >= ANSWER_MIN and answer in prompt:
            answers += 1
    return whole, answers


def shows_reference(tree, source, entry, text):
    """Whether the body of the answer stands in the text that the model is shown."""
    text = squeeze(text)
    bodies = [node.body for node, _ in functions_of(tree, entry)] or [tree.body]
    for body in bodies:
        parts = [squeeze(ast.get_source_segment(source, node) or '') for node in body]
        whole = ''.join(parts)
        if len(whole) >= BODY_MIN and all(part in text for part in parts):
            return True
    return False


# ---- the reference's shape ----------------------------------------------------------------------

def shape(tree):
    """The tree as text with names numbered as they come; None when it is too small to tell."""
    names, nodes = {}, 0
    tree = ast.parse(ast.unparse(tree))
    for node in ast.walk(tree):
        nodes += not isinstance(node, (ast.expr_context, ast.operator, ast.arguments))
        for field in ('id', 'arg', 'name'):
            name = getattr(node, field, None)
            if isinstance(name, str):
                setattr(node, field, names.setdefault(name, 'n%d' % len(names)))
    return ast.dump(tree) if nodes >= SHAPE_MIN else None


def inspect(request):
    source, entry, stdio = request['program'], request['entry_point'], request['stdio']
    prompt, found = request['prompt'], {'mutants': [], 'possible': 0, 'trivial': [], 'shape': None}
    tests = function_tests(request)
    sys.setrecursionlimit(5000)
    if source is not None:
        tree = parse(source)
        found['trivial'] += trivial_functions(tree, entry, usual_answers(tests)) if tests else ()
        found['trivial'] += trivial_programs(stdio) if stdio else ()
        found['shape'] = shape(tree)
        found['mutants'], found['possible'] = mutants(tree, entry, bool(stdio), request['limit'])
        found['reference_shown'] = shows_reference(tree, source, entry, prompt)
    counts = shown_functions(tests, squeeze(prompt)), shown_programs(stdio, squeeze(prompt))
    found['tests'] = len(tests) + len(stdio)
    found['shown'] = sum(whole for whole, _ in counts)
    found['answers_shown'] = sum(answers for _, answers in counts)
    return found
