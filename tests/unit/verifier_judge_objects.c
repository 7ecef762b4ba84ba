/* What crosses between test code and program: arguments and their aliases, callables, iterators,
 * exceptions, classes, coroutines, and who may decide a comparison. */
#include "judge_harness.h"

/* ---- arguments ------------------------------------------------------------------------------- */

static void containers_keep_their_identity(void **state)
{
    (void)state;
    RUN(.tests = "xs = [3, 1]\nassert f(xs, xs) is xs\nassert xs == [3, 1, 0, 0]\n"
                 "row = [0]\ngrid = [row, row]\nassert g(grid) is None\nassert row == [7]\n"
                 "assert grid[0] is row and grid[1] is row",
        .program = "def f(a, b):\n    assert a is b\n    a.append(0); b.append(0); return a\n"
                   "def g(m):\n    assert m[0] is m[1]\n    m[0][0] = 7");
    RUN(.tests =
            "d = {'k': ([1], {2})}\nlist_in, set_in = d['k']\nf(x=d)\n"
            "assert list_in == [1, 9] and set_in == {2, 9}\nassert d == {'k': ([1, 9], {2, 9}), "
            "'new': []}\nassert d['k'][0] is list_in",
        .program = "def f(*, x):\n    x['k'][0].append(9); x['k'][1].add(9); x['new'] = []");
    RUN(.tests =
            "xs, inner = [1], [2]\nxs.append(inner)\ntry:\n    f(xs)\nexcept ValueError as e:\n"
            "    assert e.args == (5,)\nassert xs == [1] and inner == [2, 4]",
        .program = "def f(x):\n    x.pop().append(4)\n    raise ValueError(5)");
    RUN(.tests =
            "a, b = [1], [2]\nr = f(a, b)\nassert r == [[1], [2]]\nassert r[0] is a and r[1] is b\n"
            "assert a == [1]",
        .program = "def f(a, b): return [a, b]");
    RUN(.tests = "a = [1]\nassert f(a) is not a\nassert f(a) == a",
        .program = "def f(a): return list(a)");
    RUN(.tests = "a = [1]\nassert f(a) is not a", .program = "def f(a): return a",
        .reason = "wrong-answer", .passed = 0);
    RUN(.tests = "from collections import deque, Counter, defaultdict, OrderedDict\nimport array\n"
                 "q, c, d = deque([1], maxlen=3), Counter('ab'), defaultdict(list)\n"
                 "o, v = OrderedDict(a=1), array.array('i', [2, 1])\nf(q, c, d, o, v)\n"
                 "assert q == deque([2, 1]) and q.maxlen == 3\nassert c == Counter('abb')\n"
                 "assert d == {'x': [1]} and d['y'] == []\nassert list(o) == ['b', 'a']\n"
                 "assert v == array.array('i', [1, 2])",
        .program = "def f(q, c, d, o, v):\n    q.appendleft(2); c['b'] += 1; d['x'].append(1)\n"
                   "    o['b'] = 2; o.move_to_end('a'); v.reverse()");
    RUN(.cases = "[{\"args\":[[2,1]],\"expected\":[1,2]},{\"args\":[[2,1]],\"expected\":[1,2]}]",
        .program = "def f(x): x.sort(); return x");
    RUN(.tests = "x = []\nfor _ in range(50): x = [x, x]\nassert f(1) == 1\ntry:\n    f(x)\n"
                 "    assert False\nexcept ValueError: pass",
        .program = "def f(x): return x");
    RUN(.tests = "assert f() == 1", .reason = "output-limit", .passed = 0,
        .program = "def f():\n    x = []\n    for _ in range(50): x = [x, x]\n    return x");
}

/* ---- callables and iterators ----------------------------------------------------------------- */

static void callables_are_what_they_were(void **state)
{
    (void)state;
    RUN(.tests =
            "import functools, operator\nclass K:\n    def m(self, x): return -x\n"
            "assert f([1, 2], key=K().m) == [2, 1]\nassert f(['bb', 'a'], key=len) == ['a', 'bb']\n"
            "assert f([(1, 2), (0, 3)], key=operator.itemgetter(1)) == [(1, 2), (0, 3)]\n"
            "assert f([3, 4], key=functools.partial(pow, -1)) == [3, 4]\n"
            "assert f(['b', 'A'], key=str.lower) == ['A', 'b']\nassert f([2, 1], key=None) == [1, "
            "2]",
        .program = "def f(xs, key): return sorted(xs, key=key)");
    RUN(.tests = "def add(a, b=2, *rest, c, d=4, **more):\n    'adds'\n    return (a, b, rest, c, "
                 "d, more)\n"
                 "w = f(add)\nassert w(1, c=3) == (1, 2, (), 3, 4, {})\n"
                 "assert w(1, 5, 6, c=3, z=0) == (1, 5, (6,), 3, 4, {'z': 0})\n"
                 "assert w.__name__ == 'add' and w.__doc__ == 'adds'\nassert f(add) is not add\n"
                 "assert g(add) == \"(a, b=2, *rest, c, d=4, **more)\"\nassert h(add, add)\nassert "
                 "same(add) is add",
        .program =
            "import functools, inspect\ndef f(fn):\n    @functools.wraps(fn)\n    def w(*a, **k): "
            "return fn(*a, **k)\n    return w\ndef g(fn): return str(inspect.signature(fn))\n"
            "def h(a, b): return a is b and callable(a)\ndef same(a): return a");
    RUN(.entry_point = "memoize",
        .tests = "calls = []\n@memoize\ndef slow(n):\n    calls.append(n)\n    return n * 2\n"
                 "assert slow(2) == 4 and slow(2) == 4\nassert calls == [2]\n"
                 "@memoize\ndef fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nassert "
                 "fib(30) == 832040",
        .program =
            "def memoize(f):\n    known = {}\n    def inner(*a):\n        if a not in known: "
            "known[a] = f(*a)\n        return known[a]\n    return inner");
    RUN(.entry_point = "curry", .tests = "assert curry(lambda a, b, c: a + b + c)(1)(2)(3) == 6",
        .program = "def curry(f):\n    n = f.__code__.co_argcount\n    def go(*a):\n        return "
                   "f(*a) if "
                   "len(a) >= n else lambda *b: go(*a, *b)\n    return go");
    RUN(.tests =
            "class Boom(Exception):\n    def __init__(self, code):\n        "
            "super().__init__(code)\n"
            "        self.code = code\nboom = Boom(3)\ndef bad(x): raise boom\ntry:\n    f(bad)\n"
            "    assert False\nexcept Boom as e:\n    assert e is boom and e.code == 3\n"
            "assert g(bad, Boom) == 'caught 3'\nassert g(bad, (KeyError, Boom)) == 'caught 3'\n"
            "assert g(lambda x: 1 / 0, ZeroDivisionError) == 'caught division by zero'",
        .program = "def f(k): return k(1)\ndef g(k, errors):\n    try: k(1)\n    except errors as "
                   "e: return "
                   "f'caught {e}'");
    RUN(.tests = "seen = []\ndef visit(node):\n    node.append(1)\n    seen.append(node)\n    "
                 "return node\n"
                 "assert f(visit) == ([0, 1], True)",
        .program = "def f(k):\n    x = [0]\n    return k(x), k(x) is x and x.pop() == 1");
    RUN(.tests = "assert f(lambda xs: xs.append(5)) == [5]",
        .program = "def f(k):\n    x = []\n    k(x)\n    return x");
    RUN(.tests = "assert f(int) is int\nassert f(5) is not int\nassert g(int, '7') == 7\nassert "
                 "f(ValueError) is ValueError",
        .program = "def f(x): return x\ndef g(t, x): return t(x)");
    RUN(.tests =
            "async def work(x):\n    await asyncio.sleep(0)\n    return x + 1\nimport asyncio\n"
            "assert asyncio.run(f(work)) == [1, 2]",
        .program = "import asyncio\nasync def f(w): return await asyncio.gather(w(0), w(1))");
}

static void iterators_are_consumed_lazily(void **state)
{
    (void)state;
    RUN(.tests = "import itertools\nassert f(itertools.count(), 3) == [0, 1, 2]\n"
                 "it = iter('abcdef')\nassert f(it, 2) == ['a', 'b'] and next(it) == 'c'\n"
                 "assert f((x * x for x in range(9)), 3) == [0, 1, 4]\n"
                 "assert f(map(str, [1, 2]), 5) == ['1', '2']\nassert f(zip('ab', 'cd'), 1) == "
                 "[('a', 'c')]",
        .program = "from itertools import islice\ndef f(it, n): return list(islice(it, n))");
    RUN(.tests =
            "log = []\ndef gen():\n    for i in range(5):\n        log.append(i)\n        yield i\n"
            "assert f(gen()) == 3 and log == [0, 1, 2]\ndef bad():\n    yield 1\n    raise "
            "KeyError('g')\n"
            "try:\n    f(bad())\n    assert False\nexcept KeyError: pass",
        .program = "def f(it): return next(it) + next(it) + next(it)");
    /* A long one comes in batches where nobody can tell. */
    RUN(.tests = "assert f(x for x in range(50000)) == 1249975000\nit = iter(range(500))\nassert "
                 "g(it, 300) == 299 and next(it) == 300\n"
                 "assert g(iter(range(500)), 300) == 299\ndef bad():\n    yield from range(200)\n  "
                 "  raise KeyError('late')\n"
                 "try:\n    f(bad())\n    assert False\nexcept KeyError as e: assert e.args == "
                 "('late',)\nassert h(bad()) == 200\n"
                 "rows = [[i] for i in range(200)]\nassert f(r[0] for r in rows) == 19900\nassert "
                 "f(map(len, rows)) == 200",
        .program = "from itertools import islice\ndef f(it): return sum(it)\ndef g(it, n): return "
                   "list(islice(it, n))[-1]\n"
                   "def h(it):\n    n = 0\n    try:\n        for _ in it: n += 1\n    except "
                   "KeyError: return n");
    RUN(.tests =
            "g = f()\nassert next(g) == 0 and g.send(5) == 5 and next(g) == 6\nassert "
            "g.throw(ValueError('x')) == 'x'\ng.close()\nassert next(g, None) is None\nh = "
            "f()\nnext(h)\nh.throw(ValueError(1))\ntry:\n    h.throw(StopIteration(3))\nexcept "
            "(StopIteration, RuntimeError): pass\n"
            "import types, itertools, inspect\nassert isinstance(f(), types.GeneratorType)\n"
            "assert inspect.isgenerator(f())\nassert list(itertools.islice(f(), 3)) == [0, 1, 2]\n"
            "assert [a for a, b in zip(f(), 'ab')] == [0, 1]\nassert "
            "sum(itertools.takewhile(lambda v: v < 4, f())) == 6",
        .program = "def f():\n    n = 0\n    while True:\n        try:\n            got = yield "
                   "n\n        "
                   "    n = got if got is not None else n + 1\n        except ValueError as e:\n   "
                   "         n = str(e)");
}

/* ---- values ---------------------------------------------------------------------------------- */

static void library_values_are_values(void **state)
{
    (void)state;
    RUN(.tests =
            "from collections import *\nimport array, uuid, re, pathlib\nassert f('range(3)') == "
            "range(3)\n"
            "assert f('deque([1, 2])') == deque([1, 2])\nassert f('{1: 2}.keys()') == {1}\n"
            "assert f('{1: 2}.items()') == {(1, 2)}\nassert list(f('{1: 2}.values()')) == [2]\n"
            "assert f(\"Counter('aab')\") == Counter('aab') == {'a': 2, 'b': 1}\nassert "
            "f(\"Counter('aab')\").most_common(1) == [('a', 2)]\n"
            "assert f('defaultdict(int)')['x'] == 0\nassert f('...') is ...\nassert "
            "f('NotImplemented') is NotImplemented\n"
            "assert f(\"array.array('i', [1])\") == array.array('i', [1])\nassert f('slice(1, "
            "None, 2)') == slice(1, None, 2)\n"
            "assert f('uuid.UUID(int=5)') == uuid.UUID(int=5)\nassert "
            "f(\"pathlib.PurePosixPath('/a') / 'b'\") == pathlib.PurePosixPath('/a/b')\n"
            "assert f(\"pathlib.Path('a')\").name == 'a'\nassert f(\"re.compile('a+', "
            "re.I)\").match('AA')\n"
            "assert f(\"memoryview(b'ab')\") == b'ab'\nassert f('type(None)') is "
            "type(None)\nassert f('P(1, y=2)').y == 2\n"
            "assert f('P(1, 2)') == (1, 2)\nassert f('list(map(P._make, [(1, 2)]))')[0].x == "
            "1\nassert f(\"OrderedDict(a=1)\") == OrderedDict(a=1)",
        .program = "from collections import *\nimport array, uuid, re, pathlib\nP = "
                   "namedtuple('P', 'x y')\n"
                   "def f(s): return eval(s)");
    RUN(.starter = "from collections import namedtuple\nPoint = namedtuple('Point', 'x y')\n",
        .tests =
            "p = f(Point(1, 2))\nassert p == Point(2, 1) and isinstance(p, Point) and p.x == 2",
        .program = "def f(p): return Point(p.y, p.x)");
    RUN(.tests = "assert f(range(5)) == 10\nassert g({'a': 1}.items()) == [('a', 1)]\nassert f({1: "
                 "2}.values()) == 2\n"
                 "import re\nassert h(re.compile('b')) == 1",
        .program = "def f(r): return sum(r) if len(r) else 0\ndef g(v): return list(v)\ndef h(p): "
                   "return p.search('ab').start()");
}

/* ---- exceptions ------------------------------------------------------------------------------ */

static void exception_classes_are_classes(void **state)
{
    static const char program[] =
        "class AppError(Exception):\n    def __init__(self, message, code=1):\n        "
        "super().__init__(message)\n"
        "        self.code = code\n    def __str__(self): return f'[{self.code}] {self.args[0]}'\n"
        "    def describe(self): return 'code %d' % self.code\n"
        "class NotFound(AppError, KeyError): pass\n"
        "class Bad(ValueError): pass\n"
        "def f(n):\n    if n == 1: raise NotFound('gone', 404)\n    if n == 2: raise Bad('b') from "
        "KeyError('k')\n"
        "    if n == 3: raise OSError(2, 'no', 'file')\n    return n\n"
        "def g(cb):\n    try: cb()\n    except AppError as e: return ('mine', e.code, "
        "type(e).__name__)\n"
        "    except ValueError as e: return ('value', str(e))\n";
    (void)state;
    RUN(.tests = "try:\n    f(1)\n    assert False\nexcept AppError as e:\n    assert e.code == "
                 "404 and e.args == ('gone',)\n"
                 "    assert str(e) == '[404] gone' and e.describe() == 'code 404'\n    assert "
                 "type(e) is NotFound and isinstance(e, KeyError)\n"
                 "try:\n    f(2)\nexcept Bad as e:\n    assert isinstance(e, ValueError) and "
                 "isinstance(e.__cause__, KeyError)\n"
                 "assert issubclass(NotFound, AppError) and issubclass(NotFound, KeyError) and not "
                 "issubclass(Bad, AppError)\n"
                 "try:\n    f(3)\nexcept FileNotFoundError as e:\n    assert e.errno == 2 and "
                 "e.filename == 'file'\n"
                 "e = AppError('x', 7)\nassert e.code == 7 and str(e) == '[7] x' and isinstance(e, "
                 "Exception)\n"
                 "def cb(): raise NotFound('y', 5)\nassert g(cb) == ('mine', 5, 'NotFound')\n"
                 "def cb2(): raise Bad('q')\nassert g(cb2) == ('value', 'q')",
        .program = program);
    RUN(.cases = "[{\"args\":[1],\"raises\":\"AppError\"},{\"args\":[1],\"raises\":\"KeyError\"},{"
                 "\"args\":[2],\"raises\":"
                 "\"Bad\"},{\"args\":[3],\"raises\":\"OSError\"}]",
        .program = program);
    RUN(.tests = "import json, decimal, statistics\ntry:\n    f('{')\n    assert False\nexcept "
                 "json.JSONDecodeError as e:\n"
                 "    assert e.pos == 1\nimport contextlib\nwith "
                 "contextlib.suppress(statistics.StatisticsError):\n    g()\n    assert False",
        .program = "import json, statistics\ndef f(s): return json.loads(s)\ndef g(): return "
                   "statistics.mean([])");
    RUN(.tests = "try:\n    f()\nexcept* ValueError as g:\n    assert len(g.exceptions) == 1",
        .program = "def f(): raise ExceptionGroup('many', [ValueError(1), KeyError(2)])",
        .reason = "exception", .passed = 0);
    RUN(.tests = "try:\n    f()\n    assert False\nexcept RecursionError: pass\ntry:\n    g()\n    "
                 "assert False\nexcept ValueError as e:\n"
                 "    assert len(e.args[0]) < 2000000",
        .program = "def f(): f()\ndef g(): raise ValueError('x' * 5000000)");
}

/* ---- classes --------------------------------------------------------------------------------- */

static const char vector[] =
    "import functools\n@functools.total_ordering\nclass Vector:\n    ZERO = None\n    def "
    "__init__(s, x, y): s.x, s.y = x, y\n"
    "    def __eq__(s, o): return (s.x, s.y) == (o.x, o.y) if isinstance(o, Vector) else "
    "NotImplemented\n"
    "    def __lt__(s, o): return abs(s) < abs(o)\n    def __hash__(s): return hash((s.x, s.y))\n"
    "    def __add__(s, o): return Vector(s.x + o.x, s.y + o.y)\n    def __iadd__(s, o):\n        "
    "s.x += o.x; s.y += o.y; return s\n"
    "    def __mul__(s, k): return Vector(s.x * k, s.y * k) if isinstance(k, int) else s.x * k.x + "
    "s.y * k.y\n"
    "    __rmul__ = __mul__\n    def __abs__(s): return (s.x ** 2 + s.y ** 2) ** 0.5\n    def "
    "__neg__(s): return Vector(-s.x, -s.y)\n"
    "    def __bool__(s): return bool(s.x or s.y)\n    def __len__(s): return 2\n    def "
    "__getitem__(s, i): return (s.x, s.y)[i]\n"
    "    def __setitem__(s, i, v): setattr(s, 'xy'[i], v)\n    def __delitem__(s, i): s[i] = 0\n"
    "    def __contains__(s, v): return v in (s.x, s.y)\n    def __iter__(s): yield s.x; yield "
    "s.y\n    def __reversed__(s): return iter((s.y, s.x))\n"
    "    def __repr__(s): return f'Vector({s.x}, {s.y})'\n    def __format__(s, f): return "
    "f'<{s.x:{f}}>'\n"
    "    def __int__(s): return s.x\n    def __float__(s): return float(s.x)\n    def "
    "__index__(s): return s.x\n    def __round__(s, n=None): return round(s.x, n)\n"
    "    def __call__(s, k): return s.x + k\n    def __divmod__(s, k): return (s.x // k, s.x % "
    "k)\n    def __pow__(s, k): return s.x ** k\n"
    "    @property\n    def norm(s): return abs(s)\n    @norm.setter\n    def norm(s, v): s.x, s.y "
    "= v, 0\n    @classmethod\n    def of(cls, t): return cls(*t)\n    @staticmethod\n    def "
    "dim(): return 2\n"
    "Vector.ZERO = Vector(0, 0)\nclass Unit(Vector):\n    def __init__(s): super().__init__(1, 0)\n"
    "class Stack(list):\n    def push(s, v): s.append(v); return s\n    def peek(s): return "
    "s[-1]\n";

static void classes_under_test_work(void **state)
{
    (void)state;
    RUN(.entry_point = "Vector", .reference = "class Vector: pass\n", .program = vector,
        .tests =
            "v, w = Vector(3, 4), Vector(1, 2)\nassert v == Vector(3, 4) and v != w and not v == "
            "w\nassert v + w == Vector(4, 6)\n"
            "assert v * 2 == Vector(6, 8) == 2 * v\nassert v * w == 11\nassert abs(v) == 5.0 and "
            "-w == Vector(-1, -2)\nassert w < v and v >= w and v > w\n"
            "assert bool(v) and not Vector(0, 0)\nassert len(v) == 2 and v[0] == 3 and v[0:2] == "
            "(3, 4) and v[-1] == 4\nassert list(v) == [3, 4] and tuple(reversed(v)) == (4, 3)\n"
            "assert 3 in v and 9 not in v\nassert {v: 1}[Vector(3, 4)] == 1 and len({v, w, "
            "Vector(3, 4)}) == 2\nassert sorted([v, w]) == [w, v] and max(v, w) is v\n"
            "assert str(v) == repr(v) == f'{v!r}' == 'Vector(3, 4)' and f'{v:.1f}' == "
            "'<3.0>'\nassert int(v) == 3 and float(v) == 3.0 and round(v) == 3 and [0, 1, 2, 9][v] "
            "== 9\n"
            "assert v(4) == 7 and divmod(v, 2) == (1, 1) and v ** 2 == 9\nassert v.norm == 5.0\nx "
            "= Vector(1, 1)\nx.norm = 7\nassert x == Vector(7, 0)\n"
            "y = x\ny += w\nassert x == Vector(8, 2) and x is not None and y == x\nx[0] = 5\ndel "
            "x[1]\nassert x == Vector(5, 0)\n"
            "assert Vector.of((1, 2)) == w and Vector.dim() == 2 and Vector.ZERO == Vector(0, "
            "0)\nassert isinstance(v, Vector) and isinstance(Unit(), Vector) and issubclass(Unit, "
            "Vector)\n"
            "assert not isinstance(3, Vector) and not isinstance(v, int)\nassert hasattr(v, 'x') "
            "and not hasattr(v, 'z') and getattr(v, 'q', 5) == 5\nsetattr(v, 'q', 1)\nassert v.q "
            "== 1\ndel v.q\nassert not hasattr(v, 'q')\n"
            "assert v != (3, 4) and v != 3 and not v == None\nassert [Vector(1, 2)] == [w] and "
            "{'a': w} == {'a': Vector(1, 2)} and (w,) == (Vector(1, 2),)\n"
            "assert v.__class__.__name__ == 'Vector' and Vector.__name__ == 'Vector'\nimport "
            "copy\nc = copy.copy(v)\nc.x = 0\nassert v.x == 3 and copy.deepcopy(v) == v\n"
            "assert w in [v, Vector(1, 2)] and [v, w].index(Vector(1, 2)) == 1\nassert abs(v) - 5 "
            "< 1e-9 and vars(w) == {'x': 1, 'y': 2}\nassert callable(v.__add__) and '__add__' in "
            "dir(v)");
    RUN(.entry_point = "", .program = vector,
        .tests =
            "s = Stack([1])\nassert s.push(2).push(3) is not None and s.peek() == 3\nassert s == "
            "[1, 2, 3] and len(s) == 3 and 2 in s and s[0] == 1\n"
            "assert [1, 2, 3] == s and s != [1] and isinstance(s, Stack)\nt = Stack([1, 2, "
            "3])\nassert s == t\nassert Vector(1, 2).x == 1 and Vector(1, 2) * 2 == Vector(2, 4)");
    RUN(.entry_point = "",
        .tests =
            "assert Color.RED.name == 'RED' and Color.RED.value == 1\nassert Color(1) == Color.RED "
            "and Color['RED'] is not None\n"
            "assert f(Color.RED) == Color.BLUE\nassert [c.name for c in Color] == ['RED', "
            "'BLUE']\nassert Level.LOW == 1 and Level.LOW < Level.HIGH\n"
            "p = Pt(1)\nassert p == Pt(1) and p != Pt(2) and repr(p) == 'Pt(x=1, "
            "tags=[])'\np.tags.append(1)\nassert len({Fr(1), Fr(1)}) == 1\nassert Fr(1) < Fr(2)\n"
            "with Ctx() as c:\n    assert c.inside\nassert not c.inside\nwith Ctx():\n    raise "
            "ValueError('swallowed')\n"
            "with managed(3) as m:\n    assert m == 3",
        .program = "import enum, dataclasses, contextlib\nclass Color(enum.Enum):\n    RED = 1\n   "
                   " BLUE = 2\nclass Level(enum.IntEnum):\n    LOW = 1\n    HIGH = 2\n"
                   "def f(c): return Color.BLUE\n@dataclasses.dataclass\nclass Pt:\n    x: int\n   "
                   " tags: list = dataclasses.field(default_factory=list)\n"
                   "@dataclasses.dataclass(frozen=True, order=True)\nclass Fr:\n    n: int\nclass "
                   "Ctx:\n    inside = False\n    def __enter__(s): s.inside = True; return s\n"
                   "    def __exit__(s, t, e, b): s.inside = False; return t is "
                   "ValueError\n@contextlib.contextmanager\ndef managed(x): yield x");
    RUN(.entry_point = "LRUCache",
        .tests = "c = LRUCache(2)\nc.put(1, 1)\nc.put(2, 2)\nassert c.get(1) == 1\nc.put(3, "
                 "3)\nassert c.get(2) == -1\nassert len(c) == 2",
        .program = "from collections import OrderedDict\nclass LRUCache(OrderedDict):\n    def "
                   "__init__(s, n): super().__init__(); s.n = n\n    def get(s, k):\n        if k "
                   "not in s: return -1\n        s.move_to_end(k); return s[k]\n"
                   "    def put(s, k, v):\n        s[k] = v; s.move_to_end(k)\n        if len(s) > "
                   "s.n: s.popitem(last=False)");
}

static void coroutines_are_awaited(void **state)
{
    static const char program[] =
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(0.001)\n    return x * 2\nasync "
        "def count(n):\n    for i in range(n):\n        await asyncio.sleep(0)\n        yield i\n"
        "class Res:\n    async def __aenter__(s): s.open = True; return s\n    async def "
        "__aexit__(s, *a): s.open = False\n    async def get(s): return 5\n"
        "async def bad(): raise KeyError('async')\n";
    (void)state;
    RUN(.program = program,
        .tests = "import asyncio\nassert asyncio.run(f(2)) == 4\nasync def main():\n    assert "
                 "await f(3) == 6\n    assert await asyncio.gather(f(1), f(2)) == [2, 4]\n    "
                 "assert [i async for i in count(3)] == [0, 1, 2]\n"
                 "    async with Res() as r:\n        assert r.open and await r.get() == 5\n    "
                 "assert not r.open\n    try:\n        await bad()\n        assert False\n    "
                 "except KeyError: pass\n"
                 "    t = asyncio.create_task(f(5))\n    assert await t == 10\n    assert await "
                 "asyncio.wait_for(f(1), 5) == 2\nasyncio.run(main())\nassert "
                 "asyncio.iscoroutine(f(1))");
    RUN(.program = program,
        .tests = "assert f(4) == 8\ntry:\n    bad()\n    assert False\nexcept KeyError: pass");
    RUN(.program = program, .cases = "[{\"args\":[4],\"expected\":8},{\"call\":\"__import__('"
                                     "asyncio').run(f(3))\",\"returns\":\"6\"}]");
}

/* ---- who may decide -------------------------------------------------------------------------- */

static void lies_about_plain_data_never_win(void **state)
{
    static const char liar[] =
        "class Liar:\n    def __init__(s, *a): pass\n    def __getattr__(s, n):\n        if "
        "n.startswith('__'): raise AttributeError(n)\n        return s\n    def __call__(s, *a): "
        "return s\n    def __eq__(s, o): return True\n    def __ne__(s, o): return False\n"
        "    def __lt__(s, o): return True\n    __le__ = __gt__ = __ge__ = __contains__ = __lt__\n "
        "   def __sub__(s, o): return 0.0\n    __rsub__ = __sub__\n    def __abs__(s): return "
        "0.0\n    def __float__(s): return 0.0\n"
        "    def __hash__(s): return 1\n    def __bool__(s): return True\n    def __len__(s): "
        "return 1\n    def __iter__(s): return iter([s])\n    def __getitem__(s, i): return s\n    "
        "def __instancecheck__(s, o): return True\n";
    char program[4096];
    (void)state;
    snprintf(program, sizeof program,
             "%sdef f(*a): return Liar()\nclass Circle(Liar):\n    def area(s): return s\n", liar);
    RUN(.program = program, .reason = "wrong-answer", .passed = 0,
        .tests = "assert f(1) == 1\nassert 1 == f(1)\nassert f(1) == [1]\nassert [1, 2] == "
                 "f(2)\nassert f(1) == {'a': 1}\nassert f(1) in [3, 4]\nassert (f(1), 2) == (1, "
                 "2)\nassert f(1) == None\nassert f(1) is None\n"
                 "assert f(1) == 'x'\nassert {f(1)} == {1}\nassert isinstance(f(1), int)\nassert "
                 "type(f(1)) is int");
    RUN(.program = program, .reason = "exception", .passed = 0,
        .tests = "assert f(1) < 3\nassert 3 > f(1)\nassert abs(f(2) - 1.5) < 1e-6\nassert abs(1.5 "
                 "- f(2)) < 1e-6\nassert 0 <= f(1) <= 1\nassert not (f(1) - 1)\nassert int(f(1) - "
                 "1) == 0\nassert min(f(1), 5) == 5");
    /* Nor where the problem is about a class: only what the test made itself is asked. */
    RUN(.program = program, .entry_point = "Circle", .reference = "class Circle: pass\n",
        .reason = "exception", .passed = 1,
        .tests = "c = Circle(5)\nassert abs(c.area() - 78.5) < 0.01\nassert c.area() < 100\nassert "
                 "c.area() == 78.5\nassert 78.5 in c.area()\nassert c is not None\nassert c == "
                 "78.5\nassert abs(Circle.area(c) - 78.5) < 1");
    /* Nobody speaks of a class: a method that says yes is no text. */
    RUN(.program = program, .reason = "exception", .passed = 0,
        .tests = "assert f(1).startswith('a')\nassert f(1).isdigit()\nassert f(1).is_integer()");
    /* Helpers that the test forgot to import are the library's where the reference imports them. */
    RUN(.tests = "assert isclose(f(1), 2.0)\nassert gcd(f(4), 6) == 2",
        .reference = "from math import isclose, gcd\ndef f(x): return x + 1.0",
        .program = "isclose = lambda *a: True\ngcd = lambda *a: 2\ndef f(x): return 7",
        .reason = "wrong-answer", .passed = 0);
    RUN(.entry_point = "gcd", .tests = "assert gcd(4, 6) == 2", .reference = "from math import gcd",
        .program = "def gcd(a, b): return 3", .reason = "wrong-answer", .passed = 0);
    /* Nor is an assert that nothing reached a pass, if it is all there is. */
    RUN(.tests = "for got, wanted in zip(f([1, 2]), [1, 2]): assert got == wanted",
        .program = "def f(x): return []", .reason = "wrong-answer", .passed = 0);
    RUN(.tests = "try:\n    f(1)\n    assert False\nexcept ValueError: pass",
        .program = "def f(x): raise ValueError");
    RUN(.tests = "from unittest import SkipTest\ntry: f(1)\nexcept SkipTest: pass",
        .program = "class SkipTest(Exception): pass\ndef f(x): raise SkipTest",
        .reason = "exception", .passed = 0);
    /* No loop of the test's ends by a program's word. */
    RUN(.tests = "for got, wanted in zip(map(f, [1, 2]), [5, 6]): assert got == wanted",
        .program = "def f(x): raise StopIteration", .reason = "exception", .passed = 0);
    RUN(.cases = "[{\"args\":[1],\"raises\":\"StopIteration\"}]",
        .program = "def f(x): raise StopIteration");
    /* Equal to anything is equal to nothing. */
    RUN(.program = program, .entry_point = "Circle", .reference = "class Circle: pass\n",
        .reason = "wrong-answer", .passed = 0,
        .tests = "assert Circle(1) == Circle(1)\nassert [Circle(1)] == [Circle(1)]");
    /* The starter's class is compared by the judge's copy of it. */
    static const char point[] =
        "import dataclasses\n@dataclasses.dataclass\nclass Point:\n    x: int\n    y: int\n";
    RUN(.starter = point, .entry_point = "",
        .tests = "assert mirror(Point(1, 2)) == Point(2, 1)\nassert mirror(Point(1, 2)) != "
                 "Point(1, 2)\nassert [mirror(Point(3, 4))] == [Point(4, 3)]",
        .program = "def mirror(p): return Point(p.y, p.x)");
    RUN(.starter = point, .entry_point = "",
        .tests = "assert mirror(Point(1, 2)) == Point(2, 1)\nassert [mirror(Point(3, 4))] == "
                 "[Point(4, 3)]",
        .reason = "wrong-answer", .passed = 0,
        .program = "class Point:\n    def __init__(s, x, y): s.x, s.y = x, y\n    def __eq__(s, "
                   "o): return type(o) is Point\ndef mirror(p): return p");
    RUN(.starter = point, .entry_point = "", .tests = "assert mirror(Point(1, 2)) == Point(2, 1)",
        .reason = "wrong-answer", .passed = 0,
        .program = "Point.__eq__ = lambda s, o: o is not ... and type(o) is Point\ndef mirror(p): "
                   "return p");
    RUN(.starter = "class Node:\n    def __init__(self, v, n=None): self.v, self.n = v, n\n",
        .entry_point = "",
        .tests = "n = Node(1, Node(2))\nassert keep(n) == n\nassert keep(n).n.v == 2\nassert "
                 "keep(n) != Node(1, Node(2))\nassert total(n) == 3",
        .program = "def keep(n): return n\ndef total(n): return n.v + (total(n.n) if n.n else 0)");
}

static void a_dead_guest_passes_nothing(void **state)
{
    static const char *const tests[] = {
        "try:\n    f(1)\nexcept BaseException: pass",
        "def g():\n    try: f(1)\n    finally: return True\ng()",
        "def g():\n    for _ in range(3):\n        try: f(1)\n        except: continue\n    return "
        "True\nassert g()",
        "def check(candidate):\n    try: candidate(1)\n    except BaseException: pass\n    assert "
        "True",
        "import contextlib\nwith contextlib.suppress(BaseException): f(1)\nassert True",
        "def check(candidate):\n    try: assert candidate(1) == 1\n    except: pass\n    return "
        "True",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(tests); i++) {
        RUN(.tests = tests[i], .program = "import os\ndef f(x): os._exit(0)", .reason = "crashed",
            .passed = 0);
        RUN(.tests = tests[i],
            .program = "import os\ndef f(x): os.write(3, b'junk' * 99); return 1",
            .reason = "protocol", .passed = 0);
    }
    RUN(.tests = "ok = 0\nfor n in range(3):\n    try: ok += f(n)\n    except ValueError: ok += "
                 "10\nassert ok == 21\nassert all(f(k) == 1 for k in (0, 0)) and any([f(0) == 2, "
                 "f(0) == 1])",
        .program = "def f(n):\n    if n: raise ValueError\n    return 1");
}

/* ---- the program as a module ----------------------------------------------------------------- */

static void modules_behave(void **state)
{
    (void)state;
    RUN(.tests = "assert f() == 1",
        .program = "def f(): return 1\nif __name__ == '__main__':\n    raise SystemExit(3)");
    RUN(.tests = "assert f() == 'def g(): return 2\\n'\nassert k().startswith('class C')\nassert "
                 "p() == (2, 3)\nassert m() == 2\nassert s() == ['solution.py']\nassert t() == "
                 "5\nassert t() == 6",
        .program =
            "import inspect, pickle, sys\nclass C:\n    def __init__(s): s.v = 3\ndef g(): return "
            "2\ndef f(): return inspect.getsource(g)\ndef k(): return inspect.getsource(C)\n"
            "def p(): return pickle.loads(pickle.dumps(g))(), "
            "pickle.loads(pickle.dumps(C())).v\ndef m():\n    from __main__ import g as h\n    "
            "return h()\ndef s(): return sys.argv\n"
            "n = 4\ndef t():\n    global n\n    n += 1\n    return n");
    RUN(.tests = "assert f('a') == 'got a'\ntry:\n    g()\n    assert False\nexcept EOFError: pass",
        .program = "import threading, sys\nsys.setrecursionlimit(50000)\nlog = []\ndef f(x):\n    "
                   "print('x' * 1000)\n    t = threading.Thread(target=log.append, args=(x,))\n    "
                   "t.start(); t.join()\n    return 'got ' + log[-1]\ndef g(): return input()");
}

/* ---- what it may cost ------------------------------------------------------------------------ */

static void costs_are_bounded(void **state)
{
    static const struct {
        const char *tests, *program, *reason;
        bool stuck; /* C code that polls nothing: the judge ends with the prepared verdict */
    } rows[] = {
        {"assert int(f()) == 1",
         "from decimal import Decimal\ndef f(): return Decimal('1e999999999')", "time-limit", true},
        {"assert f() + 1 == 1",
         "from decimal import Decimal\ndef f(): return Decimal('1e999999999')", "exception", false},
        {"assert f() == 1",
         "from fractions import Fraction\ndef f(): return Fraction(1 << 60000, 3)", "wrong-answer",
         false},
        {"assert len(set(f())) == 1",
         "def f(): return [i * ((1 << 61) - 1) for i in range(1, 60000)]", "time-limit", true},
        {"while True: f()", "def f(): return 'x' * (20 << 20)", "time-limit", false},
        {"assert [f() for _ in range(1000)] == 1", "def f(): return list(range(100000))", NULL,
         false},
        {"assert f(lambda x: x) == 1", "def f(k):\n    while True: k([0] * 100000)", "time-limit",
         false},
        {"assert f(iter(int, 1)) == 1", "def f(it): return sum(1 for _ in it)", "time-limit",
         false},
        {"assert str(f()) == 1", "def f(): return 1 << 10000000", "exception", false},
        {"assert f() == [1]",
         "def f():\n    x = ()\n    for _ in range(60): x = (x, x)\n    return x", "output-limit",
         false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *suite = parsed(
            "{\"entry_point\":\"f\",\"limits\":{\"cpu_s\":0.4,\"wall_s\":0.5,\"memory_mib\":512}}");
        /* What ends for another reason has the time to do so on a busy host. */
        if (rows[i].reason && strcmp(rows[i].reason, "time-limit") != 0)
            json_object_set_new(json_object_get(suite, "limits"), "wall_s", json_real(20));
        put_text(suite, "tests", rows[i].tests);
        json_t *r = grade(send_suite(suite), rows[i].program, false);
        if (rows[i].reason)
            expect(r, rows[i].tests, rows[i].reason, 0);
        else
            assert_non_null(reason_of(r));
        json_decref(r);
        if (rows[i].stuck) {
            assert_int_equal(WEXITSTATUS(slot_end()), 3);
            assert_int_equal(slot_start(state), 0);
        }
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    signal(SIGPIPE, SIG_IGN);
    alarm(120);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(containers_keep_their_identity),
        cmocka_unit_test(callables_are_what_they_were),
        cmocka_unit_test(iterators_are_consumed_lazily),
        cmocka_unit_test(library_values_are_values),
        cmocka_unit_test(exception_classes_are_classes),
        cmocka_unit_test(classes_under_test_work),
        cmocka_unit_test(coroutines_are_awaited),
        cmocka_unit_test(lies_about_plain_data_never_win),
        cmocka_unit_test(a_dead_guest_passes_nothing),
        cmocka_unit_test(modules_behave),
        cmocka_unit_test(costs_are_bounded),
    };
    return cmocka_run_group_tests(tests, slot_start, slot_stop);
}
