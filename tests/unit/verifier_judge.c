/* The real judge and its real keeper, grading small programs of all kinds, hostile ones too. */
#include "judge_harness.h"

/* ---- tests ----------------------------------------------------------------------------------- */

static void cases_and_source_are_counted(void **state)
{
    (void)state;
    json_t *suite =
        parsed("{\"entry_point\":\"f\",\"cases\":[{\"args\":[[3,1,2]],\"expected\":[42,1,2,3]},"
               "{\"call\":\"f((0.5,))\",\"returns\":\"[42, "
               "0.5]\"},{\"args\":[null],\"raises\":\"TypeError\"}]}");
    put_text(
        suite, "tests",
        "def check(candidate):\n    for n in range(5):\n        xs = [(i * 7) % 31 for i in "
        "range(n)]\n"
        "        assert candidate(list(xs)) == [42] + sorted(xs), f'n={n}'\n    assert True\n");
    char key[32];
    snprintf(key, sizeof key, "%s", send_suite(suite));
    json_t *good = grade(key, "def f(x): return [42] + sorted(x)", false);
    expect(good, "good", NULL, 5);
    assert_true(json_array_size(json_object_get(good, "isolation")) >= 3);
    assert_true(json_real_value(json_object_get(json_object_get(good, "time"), "cpu_ms")) > 0);
    assert_true(json_integer_value(json_object_get(good, "memory_peak_kib")) > 1000);
    json_decref(good);
    json_t *bad = grade(key, "def f(x): return sorted(x)", false);
    expect(bad, "bad", "wrong-answer", 2);
    assert_string_equal(failure(bad, 0, "call"), "f([3, 1, 2])");
    assert_string_equal(failure(bad, 0, "got"), "[1, 2, 3]");
    assert_string_equal(failure(bad, 0, "expected"), "[42, 1, 2, 3]");
    assert_string_equal(failure(bad, 2, "call"), "candidate(list(xs))");
    assert_string_equal(failure(bad, 2, "message"), "n=0");
    json_decref(bad);
    json_t *syntax = grade(key, "x = 1\ndef f(x) return x", false);
    expect(syntax, "syntax", "syntax-error", 0);
    json_t *lint = json_array_get(json_object_get(syntax, "lint"), 0);
    assert_int_equal(json_integer_value(json_object_get(lint, "line")), 2);
    assert_string_equal(json_string_value(json_object_get(lint, "message")), "expected ':'");
    json_decref(syntax);
    static const struct {
        const char *program, *reason;
    } loads[] = {{"def g(x): return x", "no-entry-point"},
                 {"1/0", "load-error"},
                 {"import sys\nsys.exit(0)", "load-error"},
                 {"import nosuchmodule", "load-error"},
                 {"", "no-entry-point"},
                 {"def f(x):\n\tif x:\n        pass", "syntax-error"}};
    for (size_t i = 0; i < COUNT_OF(loads); i++) {
        json_t *r = grade(key, loads[i].program, false);
        expect(r, loads[i].program, loads[i].reason, 0);
        json_decref(r);
    }
}

static void comparisons_follow_the_problem(void **state)
{
    (void)state;
    json_t *suite = parsed("{\"entry_point\":\"f\",\"compare\":{\"float\":1e-6},\"cases\":[{"
                           "\"args\":[1],\"expected\":0.3333333},"
                           "{\"args\":[2],\"expected\":[1,2]},{\"args\":[3],\"expected\":true},{"
                           "\"args\":[4],\"expected\":1},"
                           "{\"call\":\"f(5)\",\"returns\":\"float('nan')\"},{\"call\":\"f(6)\","
                           "\"returns\":\"{1,2}\"},"
                           "{\"call\":\"f(7)\",\"returns\":\"(1,2)\"},{\"call\":\"f(8)\","
                           "\"returns\":\"[1,2]\"},{\"args\":[9],\"expected\":null}]}");
    json_t *r = grade(send_suite(suite),
                      "def f(n): return "
                      "{1:1/3,2:(1,2),3:1,4:1.0,5:float('nan'),6:{2,1},7:(1,2),8:(1,2),9:None}[n]",
                      false);
    expect(r, "compare", "wrong-answer", 7);
    assert_string_equal(failure(r, 0, "expected"), "True");
    assert_string_equal(failure(r, 1, "got"), "(1, 2)");
    json_decref(r);
}

static void exceptions_cross_by_name(void **state)
{
    (void)state;
    RUN(.cases =
            "[{\"args\":[1],\"raises\":\"ValueError\"},{\"args\":[2],\"raises\":\"Exception\"},"
            "{\"args\":[3],\"raises\":\"MyError\"},{\"args\":[3],\"raises\":\"ValueError\"},"
            "{\"args\":[4],\"raises\":\"ValueError\"},{\"call\":\"f(5)\",\"raises\":"
            "\"LookupError\"}]",
        .program =
            "class MyError(ValueError): pass\ndef f(n):\n    if n == 1: raise ValueError\n    if n "
            "== 2: raise KeyError\n"
            "    if n == 3: raise MyError('x')\n    if n == 4: return 1\n    raise IndexError(3)",
        .reason = "wrong-answer", .passed = 5);
    RUN(.starter = "class MyError(Exception): pass\n",
        .tests =
            "try:\n    f(1)\n    assert False\nexcept MyError as e:\n    assert e.args == ('x',)",
        .program = "def f(n): raise MyError('x')");
    RUN(.tests = "try:\n    f(1)\n    assert False\nexcept ValueError:\n    pass",
        .program = "def f(n): return 1", .reason = "wrong-answer", .passed = 0);
    RUN(.tests = "assert f(1) == 1\nf(2)\nassert f(1) == 1",
        .program = "def f(n):\n    if n == 2: raise ValueError('boo')\n    return 1",
        .reason = "exception", .passed = 1);
    RUN(.tests = "assert f(1) == 1\nf(2)",
        .program = "def f(n):\n    if n == 2: raise SystemExit(0)\n    return 1",
        .reason = "exception", .passed = 0);
    RUN(.tests = "if f(1) != 1: raise AssertionError('x')", .program = "def f(n): return 1");
    RUN(.tests = "if f(1) != 1: raise AssertionError('x')", .program = "def f(n): return 2",
        .reason = "wrong-answer", .passed = 0);
}

static void arguments_come_back_changed(void **state)
{
    (void)state;
    RUN(.tests = "xs = [3, 1, 2]\nassert f(xs) is None\nassert xs == [1, 2, 3]",
        .program = "def f(x): x.sort()");
    RUN(.tests = "g = [[1, 2], [3, 4]]\nrow = g[0]\nf(g)\nassert g == [[2, 1], [4, 3]]\nassert row "
                 "== [2, 1]",
        .program = "def f(x):\n    for r in x: r.reverse()");
    RUN(.tests = "d, s, b = {'a': 1}, {1}, bytearray(b'ab')\nf(d, s, b)\nassert d == {'b': "
                 "2}\nassert s == {2}\nassert b == b'xyz'",
        .program =
            "def f(d, s, b):\n    d.clear(); d['b'] = 2; s.clear(); s.add(2); b[:] = b'xyz'");
    RUN(.tests = "assert f(range(3)) == 3\nassert f({1: 2}.keys()) == 1\nassert f([1].copy()) "
                 "== 1",
        .program = "def f(x): return len(x)");
    RUN(.tests = "assert f([1, 'a', 2.0], int) == ['a', 2.0]",
        .program = "def f(xs, t): return [x for x in xs if not isinstance(x, t)]");
    RUN(.cases = "[{\"args\":[1],\"kwargs\":{\"b\":2},\"expected\":3}]",
        .program = "def f(a, b): return a + b");
}

static void callables_are_called_back(void **state)
{
    (void)state;
    RUN(.tests =
            "calls = []\ndef key(x):\n    calls.append(x)\n    return -x\nassert f(key, [1, 3, 2]) "
            "== [3, 2, 1]\n"
            "assert sorted(calls) == [1, 2, 3]\nassert f(lambda x: x % 2, [1, 2, 3]) == [2, 1, 3]",
        .program = "def f(k, xs): return sorted(xs, key=k)");
    RUN(.tests = "def bad(x): raise KeyError(x)\ntry:\n    f(bad)\n    assert False\nexcept "
                 "KeyError as e:\n    assert e.args == (7,)",
        .program = "def f(k): return k(7)");
    RUN(.tests = "assert f(lambda n: f(lambda m: m * 2, n), 3) == 6",
        .program = "def f(k, x): return k(x)");
    RUN(.tests = "def cb(x): return f(cb, x)\nassert f(cb, 1) == 1",
        .program = "def f(k, x): return k(x)", .reason = "exception", .passed = 0);
    RUN(.tests = "def cb(x): return x\nassert f(cb) == 1",
        .program = "def f(k):\n    while True: k(1)", .reason = "time-limit", .passed = 0);
}

static void objects_stay_with_the_program(void **state)
{
    (void)state;
    RUN(.entry_point = "Stack",
        .tests = "s = Stack()\ns.push(1)\ns.push(2)\nassert s.pop() == 2\nassert len(s) == "
                 "1\nassert s.items == [1]\nassert bool(s)\n"
                 "assert [x for x in s] == [1]\nassert s[0] == 1\nassert 1 in s\nassert str(s) == "
                 "'S[1]'\nassert repr(s) == 'R[1]'\n"
                 "s.tag = 'x'\nassert s.tag == 'x'\ns[0] = 9\nassert s.items == [9]\nwith s as "
                 "q:\n    assert q.items == [9]",
        .program = "class Stack:\n    def __init__(s): s.items = []\n    def push(s, x): "
                   "s.items.append(x)\n"
                   "    def pop(s): return s.items.pop()\n    def __len__(s): return len(s.items)\n"
                   "    def __iter__(s): return iter(s.items)\n    def __getitem__(s, i): return "
                   "s.items[i]\n"
                   "    def __setitem__(s, i, v): s.items[i] = v\n    def __str__(s): return 'S%s' "
                   "% s.items\n"
                   "    def __repr__(s): return 'R%s' % s.items\n    def __enter__(s): return s\n  "
                   "  def __exit__(s, *a): return False\n");
    RUN(.entry_point = "",
        .tests = "a = make(3)\nassert get(a) == 3\nb = a\nassert a == b\nassert a != "
                 "make(3)\nassert {a: 1}[b] == 1\nassert same(a, b)",
        .program = "class A: pass\ndef make(x):\n    a = A(); a.x = x; return a\ndef get(a): "
                   "return a.x\ndef same(a, b): return a is b");
    RUN(.tests = "assert list(f(3)) == [0, 1, 2]\ng = f(1)\nassert next(g) == 0\ntry:\n    "
                 "next(g)\n    assert False\n"
                 "except StopIteration:\n    pass\nassert sum(f(4)) == 6",
        .program = "def f(n):\n    for i in range(n): yield i");
    RUN(.entry_point = "Solution.two", .cases = "[{\"args\":[1],\"expected\":2}]",
        .program = "class Solution:\n    def two(self, x): return x + 1");
    RUN(.entry_point = "Vector", .reference = "class Vector:\n    pass\n",
        .tests = "v = Vector(1, 2) + Vector(3, 4)\nassert (v.x, v.y) == (4, 6)\nassert "
                 "abs(Vector(3, 4)) == 5\n"
                 "assert Vector(1, 1) < Vector(2, 2)\nassert Vector(1, 2) * 2 == 3",
        .program = "class Vector:\n    def __init__(s, x, y): s.x = x; s.y = y\n    def __add__(s, "
                   "o): return Vector(s.x + o.x, s.y + o.y)\n"
                   "    def __abs__(s): return 5\n    def __mul__(s, k): return 3\n    def "
                   "__lt__(s, o): return s.x < o.x");
    RUN(.tests = "assert f() == (1, 2)\nassert g() == {'a': 2}",
        .program = "from collections import namedtuple, Counter\nP = namedtuple('P', 'x y')\ndef "
                   "f(): return P(1, 2)\ndef g(): return Counter('aa')");
    RUN(.tests = "assert f(2) == 4", .program = "async def f(x): return x * 2");
}

static void starter_helpers_are_the_judges_own(void **state)
{
    const char *helper = "def helper(x):\n    return x * 2\n";
    (void)state;
    RUN(.starter = helper, .tests = "assert f(5) == helper(5)",
        .program = "def f(x): return helper(x)");
    RUN(.starter = helper, .tests = "assert f(5) == helper(5)",
        .program = "def helper(x): return 0\ndef f(x): return 0", .reason = "wrong-answer",
        .passed = 0);
    RUN(.starter = helper, .tests = "assert f(5) == 10",
        .program = "from __future__ import annotations\ndef f(x: Foo): return helper(x)");
    RUN(.starter = "class Node:\n    def __init__(self, v, n):\n        self.v = v; self.n = n\n",
        .tests = "assert f(Node(1, Node(2, None))) == 3\nassert f(None) == 0",
        .program = "def f(n): return n.v + f(n.n) if n else 0");
    RUN(.starter = "def f(x):\n", .tests = "assert f(5) == 10",
        .program = "def f(x): return x * 2");
}

static void unbound_names_are_the_programs(void **state)
{
    const char *area =
        "assert math.isclose(area(2), 12.56637, rel_tol=1e-3)\nassert Point(1).x == 1";
    (void)state;
    RUN(.entry_point = "", .tests = area,
        .program = "def area(r): return 3.14159265 * r * r\nclass Point:\n    def __init__(s, x): "
                   "s.x = x");
    /* The program's own `math` is not asked whether its answer is close. */
    RUN(.entry_point = "", .tests = area, .reason = "wrong-answer", .passed = 1,
        .program = "class math:\n    def isclose(*a, **k): return True\ndef area(r): return "
                   "3\nclass Point:\n    def __init__(s, x): s.x = x");
    RUN(.entry_point = "", .tests = "assert nosuch(1) == 1", .program = "x = 1",
        .reason = "exception", .passed = 0);
    RUN(.entry_point = "", .reference = "def sum(a, b): return a + b",
        .tests = "assert sum(1, 2) == 3", .program = "def sum(a, b): return a + b");
    RUN(.tests = "assert abs(f(1) - 5) < 1e-9",
        .program =
            "import builtins\nbuiltins.abs = lambda x: 0\nabs = builtins.abs\ndef f(x): return 1",
        .reason = "wrong-answer", .passed = 0);
    RUN(.tests = "print('hello')\nassert f(1) == 1\nimport sys\nassert sys.stdin.read() == ''",
        .program = "def f(n):\n    print('x' * 100000)\n    return 1");
}

/* Objects that claim to be whatever the test compares them with. */
static void lying_objects_convince_nobody(void **state)
{
    const char *liar = "class L:\n    def __sub__(s, o): return 0.0\n    def __abs__(s): return "
                       "0.0\n    def __lt__(s, o): return True\n"
                       "    def __contains__(s, o): return True\n    def __eq__(s, o): return "
                       "True\n    def __ne__(s, o): return False\n"
                       "    def __hash__(s): return 0\n    def __round__(s, n=0): return 1\n    "
                       "def __float__(s): return 2.0\n"
                       "    __class__ = property(lambda s: int)\n    def __iter__(s): return "
                       "iter([1])\ndef f(x): return L()\n";
    (void)state;
    RUN(.tests = "assert abs(f(2.0) - 1.5) < 1e-6\nassert f(1) < 5\nassert 3 in f(1)\nassert f(1) "
                 "== 1\nassert 1 == f(1)\n"
                 "assert not (f(1) != 1)\nassert isinstance(f(1), int)\nassert f(1) in [1, 2]\n"
                 "assert f(1) in {1: 2}\nassert [f(1)] == [1]\nassert {'a': f(1)} == {'a': 1}",
        .program = liar, .reason = "exception", .passed = 0);
    /* What it turns into on its own is no lie: it has to know the answer. */
    RUN(.tests = "import math\nassert math.isclose(f(1), 2.0)\nassert round(f(1), 2) == 1\n"
                 "assert math.isclose(f(1), 3.0)\nassert round(f(1)) == 2",
        .program = liar, .reason = "wrong-answer", .passed = 2);
    RUN(.cases = "[{\"args\":[1],\"expected\":1},{\"call\":\"f(1)\",\"returns\":\"1\"}]",
        .program = liar, .reason = "wrong-answer", .passed = 0);
    RUN(.tests = "assert f(1) == 1",
        .program = "class E(int):\n    def __eq__(s, o): return True\ndef f(x): return E(0)",
        .reason = "wrong-answer", .passed = 0);
    RUN(.tests = "assert f(1) == [1, 2]",
        .program = "class E(list):\n    def __eq__(s, o): return True\ndef f(x): return E()",
        .reason = "wrong-answer", .passed = 0);
}

static void hostile_programs_fail_and_leave_the_judge_well(void **state)
{
    static const struct {
        const char *program, *reason;
    } rows[] = {
        {"import sys\ndef f(a): sys.exit(0)", "exception"},
        {"import os\ndef f(a): os._exit(0)", "crashed"},
        {"import os\nos._exit(0)", "crashed"},
        {"def f(a):\n    while 1: pass", "time-limit"},
        {"import time\ndef f(a): time.sleep(100)", "time-limit"},
        {"def f(a): return [0] * 10**9", "memory-limit"},
        {"def f(a):\n    x = []\n    while 1: x.append('x' * 10**6)", "memory-limit"},
        {"def f(a): return 'x' * (40 << 20)", "output-limit"},
        {"def f(a):\n    x = []\n    for i in range(100000): x = [x]\n    return x",
         "wrong-answer"},
        {"def f(a): return 1 << 80000000", "wrong-answer"},
        {"import ctypes\ndef f(a): ctypes.string_at(0)", "crashed"},
        {"import os\ndef f(a):\n    while 1: os.fork()", "process-limit"},
        {"import os\ndef f(a): os.write(3, b'x' * 100); return 1", "protocol"},
        {"import os, struct\ndef f(a):\n    for seq in range(50): os.write(3, "
         "struct.pack('<IBBHI', 9, 1, 33, 0, seq) + b'i' + bytes(8))\n    return 1",
         "protocol"},
        {"import os, struct\ndef f(a): os.write(3, struct.pack('<IBBHI', 1 << 30, 1, 33, 0, 3)); "
         "return 1",
         "protocol"},
        {"import os\nos.close(3)\ndef f(a): return 1", "crashed"},
        {"def f(a): return None", "wrong-answer"},
        {"def f(a):\n    while 1: yield 1", "wrong-answer"},
        {"def f(a): raise KeyboardInterrupt", "exception"},
        {"def f(a): f(a)", "exception"},
    };
    (void)state;
    char key[32];
    snprintf(key, sizeof key, "%s",
             send_suite(parsed("{\"entry_point\":\"f\",\"cases\":[{\"args\":[1],\"expected\":1}],"
                               "\"tests\":\"assert f(2) == "
                               "1\",\"limits\":{\"cpu_s\":0.8,\"wall_s\":6,\"threads\":8}}")));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *r = grade(key, rows[i].program, false);
        expect(r, rows[i].program, rows[i].reason, 0);
        json_decref(r);
    }
    json_t *r = grade(key, "def f(a): return 1", false);
    expect(r, "an honest one", NULL, 2);
    json_decref(r);
}

/* The judge's own code is at work on values of the program when the time runs out. */
static void test_code_is_stopped_too(void **state)
{
    static const struct {
        const char *tests, *program, *reason;
    } rows[] = {
        {"while f(3): pass", "def f(n): return 1", "time-limit"},
        {"x = f(3)\nwhile x: pass", "def f(n): return 1", "time-limit"},
        {"x = f(3)\ny = x ** x", "def f(n): return 10**7", "time-limit"},
        {"while True:\n    try: f(3)\n    except: pass", "import os\ndef f(n): os._exit(0)",
         "crashed"},
        {"assert list(f(3)) == [1]", "def f(n):\n    while 1: yield 1", "time-limit"},
        {"x = 'a' * f(3)", "def f(n): return 10**12", "memory-limit"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        /* A busy host must not make a time limit of another end; test code that goes on meets it. */
        bool late = strcmp(rows[i].reason, "memory-limit") != 0;
        json_t *suite = json_pack("{s:s, s:{s:f, s:f}}", "entry_point", "f", "limits", "cpu_s",
                                  late ? 0.3 : 3, "wall_s", late ? 0.3 : 30);
        put_text(suite, "tests", rows[i].tests);
        json_t *r = grade(send_suite(suite), rows[i].program, false);
        expect(r, rows[i].program, rows[i].reason, 0);
        json_decref(r);
    }
    RUN(.tests = "assert f(1) == 1", .program = "def f(n): return 1");
}

static void whole_programs_are_judged_by_output(void **state)
{
    static const struct {
        const char *program, *reason;
        int passed;
    } rows[] = {
        {"print(sum(map(int, input().split())))", NULL, 2},
        {"print(3)", "wrong-answer", 1},
        {"print((", "syntax-error", 0},
        {"x = 1/0", "exception", 0},
        {"import sys\nprint(sum(map(int, input().split())))\nsys.exit(1)", "exception", 0},
        {"import sys\nprint(sum(map(int, input().split())))\nsys.exit(0)", NULL, 2},
        {"while 1: print('x' * 1000)", "output-limit", 0},
        {"import sys\nfor i in range(3000): sys.stderr.write('e' * 1000)\nprint(sum(map(int, "
         "input().split())))",
         NULL, 2},
        {"while 1: pass", "time-limit", 0},
        {"x = [0] * 10**10", "memory-limit", 0},
        {"if __name__ == '__main__':\n    print(sum(map(int, input().split())))", NULL, 2},
        {"import os, time\nos.close(1)\ntime.sleep(30)", "time-limit", 0},
        {"import os\nos.write(3, b'zzz' * 1000)\nprint(sum(map(int, input().split())))", NULL, 2},
    };
    char key[32];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *two = parsed("{\"stdio\":[{\"stdin\":\"1 2\\n\",\"stdout\":\"3\\n\"},"
                             "{\"stdin\":\"5 6\\n\",\"stdout\":\"11\"}]}");
        json_object_set_new(two, "limits",
                            json_pack("{s:f, s:f, s:i}", "cpu_s", 0.5, "wall_s",
                                      strstr(rows[i].program, "sleep") ? 0.5 : 30, "output_kib",
                                      64));
        json_t *r = grade(send_suite(two), rows[i].program, false);
        expect(r, rows[i].program, rows[i].reason, rows[i].passed);
        json_decref(r);
    }
    json_t *suite =
        parsed("{\"stdio\":[{\"stdin\":\"\",\"stdout\":\"a b\"}],\"limits\":{\"wall_s\":2}}");
    json_object_set_new(
        suite, "checker",
        json_pack("{s:s}", "python",
                  "def check(stdin, got, expected):\n    while got == 'hang': pass\n"
                  "    return sorted(got.split()) == sorted(expected.split())"));
    snprintf(key, sizeof key, "%s", send_suite(suite));
    json_t *r = grade(key, "print('b a')", false);
    expect(r, "checker", NULL, 1);
    json_decref(r);
    r = grade(key, "import sys\nsys.stdout.write('hang')", false);
    expect(r, "checker hangs", "time-limit", 0);
    json_decref(r);
    /* More input than a pipe holds, read late or not at all. */
    char *big = xcalloc(600001, 1);
    memset(big, '1', 600000);
    json_t *stdio = json_pack("{s:[{s:s, s:s}]}", "stdio", "stdin", big, "stdout", "600000");
    snprintf(key, sizeof key, "%s", send_suite(stdio));
    r = grade(key, "import sys\nprint(len(sys.stdin.read()))", false);
    expect(r, "reads all", NULL, 1);
    json_decref(r);
    r = grade(key, "print(600000)", false);
    expect(r, "reads nothing", NULL, 1);
    json_decref(r);
    free(big);
}

static void run_captures_what_is_printed(void **state)
{
    (void)state;
    json_t *r = job(json_pack("{s:s, s:s, s:s}", "op", "run", "program",
                              "import sys\nprint(input())\nsys.stderr.write('err')\nsys.exit(3)",
                              "stdin", "hi\n"));
    assert_string_equal(json_string_value(json_object_get(r, "status")), "exit 3");
    assert_string_equal(json_string_value(json_object_get(r, "stdout")), "hi\n");
    assert_string_equal(json_string_value(json_object_get(r, "stderr")), "err");
    json_decref(r);
    r = job(json_pack("{s:s, s:s, s:{s:f}}", "op", "run", "program", "while 1: pass", "limits",
                      "cpu_s", 0.2));
    assert_string_equal(reason_of(r), "time-limit");
    assert_string_equal(json_string_value(json_object_get(r, "status")), "signal 9");
    json_decref(r);
}

static json_t *generate(const char *source, json_t *params)
{
    return job(json_pack("{s:s, s:s, s:o, s:s}", "op", "generate", "source", source, "params",
                         params, "name", "x.yaml:3"));
}

static void families_generate(void **state)
{
    static const struct {
        const char *source, *error;
    } rows[] = {
        {"def generate():\n    yield {}\n    1/0\n", "line 3: ZeroDivisionError: division by zero"},
        {"def generate():\n    yield {'a': 2**70}\n", "problem 0: an integer of more than 64 bits"},
        {"def generate():\n    yield {}\n    yield {'a': {1, 2}}\n", "problem 1: not a value"},
        {"def generate():\n    yield 3\n", "problem 0: generate() must yield dicts"},
        {"def generate(:\n", "SyntaxError: invalid syntax (x.yaml:3, line 1)"},
        {"x = 1\n", "NameError: the source defines no generate()"},
    };
    (void)state;
    json_t *r = generate("def generate(seed, count):\n    for i in range(count):\n        yield "
                         "{'id': f'p{i}', 'cases': [{'args': (i,), 'expected': seed}]}",
                         json_pack("{s:i, s:i}", "seed", 3, "count", 2));
    assert_true(json_is_null(json_object_get(r, "error")));
    json_t *want = parsed("[{\"id\":\"p0\",\"cases\":[{\"args\":[0],\"expected\":3}]},{\"id\":"
                          "\"p1\",\"cases\":[{\"args\":[1],\"expected\":3}]}]");
    assert_true(json_equal(json_object_get(r, "problems"), want));
    json_decref(want);
    json_decref(r);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        r = generate(rows[i].source, json_object());
        const char *error = json_string_value(json_object_get(r, "error"));
        if (!error || strncmp(error, rows[i].error, strlen(rows[i].error)) != 0)
            fail_msg("%s: %s", rows[i].source, error ? error : "no error");
        json_decref(r);
    }
}

static void timing_tells_faster_from_cheating(void **state)
{
    static const char reference[] = "def f(xs):\n    out = []\n    for x in xs:\n        i = 0\n   "
                                    "     while i < len(out) and out[i] < x: i += 1\n"
                                    "        out.insert(i, x)\n    return out\n";
    char key[32];
    (void)state;
    json_t *suite = json_pack("{s:s, s:s, s:{s:s, s:s}}", "entry_point", "f", "reference",
                              reference, "timing", "call", "f(xs)", "setup",
                              "import random\nxs = [random.random() for _ in range(400)]");
    json_object_set_new(suite, "cases", parsed("[{\"args\":[[3,1]],\"expected\":[1,3]}]"));
    snprintf(key, sizeof key, "%s", send_suite(suite));
    json_t *r = grade(key, "def f(xs): return sorted(xs)", true);
    expect(r, "faster", NULL, 1);
    json_t *speedup = json_object_get(json_object_get(r, "time"), "speedup");
    assert_true(json_real_value(json_object_get(speedup, "low")) > 1.1);
    assert_true(json_integer_value(json_object_get(speedup, "pairs")) >= 8);
    json_decref(r);
    r = grade(key, reference, true);
    expect(r, "the reference itself", NULL, 1);
    speedup = json_object_get(json_object_get(r, "time"), "speedup");
    assert_true(json_real_value(json_object_get(speedup, "low")) < 1.1);
    json_decref(r);
    r = grade(key, "def f(xs): return sorted(xs) if len(xs) < 100 else xs", true);
    expect(r, "wrong where it is timed", "wrong-answer", 0);
    json_decref(r);
    r = grade(key, "def f(xs):\n    if len(xs) > 100: 1/0\n    return sorted(xs)", true);
    expect(r, "fails where it is timed", NULL, 1);
    assert_true(json_is_null(json_object_get(json_object_get(r, "time"), "speedup")));
    json_decref(r);
    /* In place: the result is what became of the inputs. */
    suite = json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "entry_point", "f", "reference",
                      "def f(xs): xs.sort()", "tests", "xs = [2, 1]\nf(xs)\nassert xs == [1, 2]",
                      "timing", "call", "f(xs)", "setup",
                      "xs = [(i * 7919 + repeat) % 97 for i in range(300)]");
    r = grade(send_suite(suite), "def f(xs):\n    if len(xs) < 10: xs.sort()", true);
    expect(r, "in place, not done", "wrong-answer", 0);
    json_decref(r);
}

/* A suite of f, timed, that any list passes. */
static const char *timed_suite(const char *reference, const char *setup, const char *call,
                               const char *sizes)
{
    json_t *timing = json_pack("{s:s, s:s}", "setup", setup, "call", call);
    if (sizes)
        json_object_set_new(timing, "sizes", parsed(sizes));
    json_t *suite =
        json_pack("{s:s, s:s, s:o}", "entry_point", "f", "reference", reference, "timing", timing);
    json_object_set_new(suite, "cases", parsed("[{\"args\":[[3,1]],\"expected\":1}]"));
    return send_suite(suite);
}

static double speed(const json_t *result, const char *which)
{
    json_t *speedup = json_object_get(json_object_get(result, "time"), "speedup");
    return json_number_value(json_object_get(speedup, which));
}

static void spoilt_inputs_pay_only_where_they_cannot_help(void **state)
{
    static const char reference[] = "def f(xs):\n    least = xs[0]\n    for x in sorted(xs) * 5: "
                                    "least = min(least, x)\n    return least";
    static const char spoils[] = "def f(xs):\n    xs.sort()\n    return xs[0]";
    static const char setup[] = "xs = [(i * 7919 + repeat) % 10007 for i in range(20000)]";
    char key[32];
    (void)state;
    snprintf(key, sizeof key, "%s", timed_suite(reference, setup, "f(xs)", NULL));
    json_t *r = grade(key, spoils, true);
    expect(r, "one call, inputs spoilt", NULL, 1);
    assert_true(speed(r, "low") > 1.1);
    json_decref(r);
    snprintf(key, sizeof key, "%s", timed_suite(reference, setup, "[f(xs), f(xs)]", NULL));
    r = grade(key, spoils, true);
    expect(r, "two calls, inputs spoilt", NULL, 1);
    assert_true(speed(r, "low") == 0);
    json_decref(r);
    r = grade(key, "def f(xs): return min(xs)", true);
    expect(r, "two calls", NULL, 1);
    assert_true(speed(r, "low") > 1.1);
    json_decref(r);
}

static void growth_is_measured_at_several_sizes(void **state)
{
    static const char setup[] = "xs = list(range(2 * size, size, -1))";
    char key[32];
    (void)state;
    snprintf(key, sizeof key, "%s",
             timed_suite("def f(xs):\n    least = None\n    for x in xs:\n        less = 0\n"
                         "        for y in xs: less += y < x\n        if not less: least = x\n"
                         "    return least",
                         setup, "f(xs)", "[100, 200, 400, 800]"));
    json_t *r = grade(key,
                      "def f(xs):\n    least = xs[0]\n    for i in range(200):\n        for x "
                      "in xs: least = min(least, x)\n    return least",
                      true);
    expect(r, "linear", NULL, 1);
    json_t *c = json_object_get(json_object_get(r, "time"), "complexity");
    double exponent = json_number_value(json_object_get(c, "exponent")),
           reference = json_number_value(json_object_get(c, "reference_exponent"));
    print_message("# exponents: program %.2f, reference %.2f\n", exponent, reference);
    assert_true(exponent > 0.3 && exponent < reference && reference > 1.2);
    assert_non_null(json_object_get(c, "gain"));
    json_decref(r);
    r = grade(key, "def f(xs): return min(xs) if len(xs) in (2, 800) else 0", true);
    expect(r, "wrong at a smaller size", "wrong-answer", 0);
    assert_true(json_is_null(json_object_get(json_object_get(r, "time"), "speedup")));
    json_decref(r);
}

static void limits_follow_the_reference(void **state)
{
    static const char slow[] = "def f(n):\n    for i in range(n): pass\n    return n\n";
    (void)state;
    json_t *suite = json_pack("{s:s, s:s}", "entry_point", "f", "reference", slow);
    json_object_set_new(suite, "cases", parsed("[{\"args\":[3000000],\"expected\":3000000}]"));
    json_object_set_new(suite, "limits", parsed("{\"cpu_s\":20,\"wall_s\":60,\"cpu_times\":8}"));
    char key[32];
    snprintf(key, sizeof key, "%s", send_suite(suite));
    json_t *r = grade(key, slow, false);
    expect(r, "the reference itself", NULL, 1);
    const json_t *time = json_object_get(r, "time");
    double limit = json_number_value(json_object_get(time, "cpu_limit_ms")),
           took = json_number_value(json_object_get(time, "cpu_ms"));
    print_message("# limit %.0f ms, reference %.0f ms\n", limit, took);
    assert_true(limit >= 500 && limit < 20000 && limit > 2 * took);
    json_decref(r);
    r = grade(key, "def f(n):\n    while True: pass", false);
    expect(r, "endless", "time-limit", 0);
    assert_true(json_number_value(json_object_get(json_object_get(r, "time"), "cpu_ms")) <
                limit + 500);
    json_decref(r);
    suite = json_pack("{s:s, s:s}", "entry_point", "f", "reference", "def f(n): return 0");
    json_object_set_new(suite, "cases", parsed("[{\"args\":[1],\"expected\":1}]"));
    json_object_set_new(suite, "limits", parsed("{\"cpu_s\":20,\"wall_s\":60,\"cpu_times\":8}"));
    r = grade(send_suite(suite), "def f(n): return n", false);
    assert_string_equal(json_string_value(json_object_get(r, "infra")),
                        "limits: the reference passes 0 of 1 tests");
    assert_true(json_is_true(json_object_get(r, "lasting")));
    json_decref(r);
}

static void our_faults_are_infra(void **state)
{
    (void)state;
    json_t *r = grade("no-such-suite", "x", false);
    assert_non_null(json_string_value(json_object_get(r, "infra")));
    json_decref(r);
    r = grade(send_suite(json_pack("{s:s, s:s}", "entry_point", "f", "tests", "def ((")),
              "def f(): pass", false);
    assert_string_equal(json_string_value(json_object_get(r, "infra")),
                        "the problem: tests: SyntaxError: invalid syntax (<tests>, line 1)");
    assert_null(reason_of(r));
    json_decref(r);
    r = grade(send_suite(json_pack("{s:s}", "entry_point", "f")), "def f(): pass", false);
    assert_string_equal(json_string_value(json_object_get(r, "infra")), "the problem: no tests");
    json_decref(r);
}

static json_t *asleep_in(json_t *suite, const char *program, bool timing)
{
    slot.slept = slot.woke = 0;
    /* They pass, in the time that a crowded machine gives them. */
    json_object_set_new(suite, "limits",
                        parsed("{\"cpu_s\":5,\"wall_s\":30,\"memory_mib\":256,"
                               "\"output_kib\":64,\"threads\":8}"));
    return grade(send_suite(suite), program, timing);
}

/* Passes, and is told to sleep `times` times at least, in one of some tries: a judge that is kept from
 * running does not look. */
static void sleeps(json_t *suite, const char *what, const char *program, int times)
{
    for (int tries = 0; tries < 10; tries++) {
        json_t *r = asleep_in(json_incref(suite), program, false);
        expect(r, what, NULL, -1);
        json_decref(r);
        assert_int_equal(slot.woke, slot.slept);
        if (slot.slept >= times)
            break;
    }
    assert_true(slot.slept >= times);
    json_decref(suite);
}

/* By turns: each sleep is told, and the work between. At its end it is awake in any case. */
static void sleep_is_told(void **state)
{
    static const char by_turns[] = "import time\n"
                                   "def f():\n"
                                   "    for i in range(2):\n"
                                   "        time.sleep(0.15)\n"
                                   "        end = time.process_time() + 0.15\n"
                                   "        while time.process_time() < end: pass\n"
                                   "    time.sleep(0.15)\n"
                                   "    return 1\n";
    char whole[sizeof by_turns + 16];
    (void)state;
    sleeps(parsed("{\"entry_point\":\"f\",\"cases\":[{\"args\":[],\"expected\":1}]}"), "by turns",
           by_turns, 3);
    snprintf(whole, sizeof whole, "%sprint(f())\n", by_turns);
    sleeps(parsed("{\"stdio\":[{\"stdin\":\"\",\"stdout\":\"1\"},{\"stdin\":\"\","
                  "\"stdout\":\"1\"}],\"limits\":{\"wall_s\":30}}"),
           "by turns, whole", whole, 6);
    /* Many calls that are each too short for a window. */
    sleeps(parsed("{\"entry_point\":\"f\",\"tests\":\"for i in range(12):\\n    "
                  "assert f(i) == i\"}"),
           "short sleeps", "import time\ndef f(i):\n    time.sleep(0.03)\n    return i\n", 1);
}

/* A slot that times is at work, whatever the program does. What comes before may have been kept from
 * running. */
static void sleep_in_timed_pairs_is_not_told(void **state)
{
    static const char sleeper[] = "import time\ndef f(s):\n    time.sleep(s)\n    return s\n";
    (void)state;
    json_t *suite = parsed("{\"entry_point\":\"f\",\"cases\":[{\"args\":[0],\"expected\":0}],"
                           "\"timing\":{\"setup\":\"s = 0.06\",\"call\":\"f(s)\"}}");
    put_text(suite, "reference", sleeper);
    json_t *r = asleep_in(suite, sleeper, true);
    expect(r, "sleeps while it is timed", NULL, -1);
    assert_true(json_is_object(json_object_get(json_object_get(r, "time"), "speedup")));
    assert_in_range(slot.slept, 0, 2);
    json_decref(r);
}

/* C code that polls nothing: the prepared verdict is written, and the judge makes room for
 * another. */
static void a_stuck_judge_leaves_a_verdict(void **state)
{
    json_t *suite = parsed("{\"entry_point\":\"f\",\"tests\":\"x = f(3)\\nassert sum(range(x)) == "
                           "1\",\"limits\":{\"cpu_s\":0.2,\"wall_s\":0.2}}");
    json_t *r = grade(send_suite(suite), "def f(n): return 10**15", false);
    expect(r, "stuck", "time-limit", 0);
    json_decref(r);
    int status = slot_end();
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    assert_int_equal(slot_start(state), 0);
}

static void a_dead_keeper_is_infra(void **state)
{
    const char *key =
        send_suite(parsed("{\"entry_point\":\"f\",\"cases\":[{\"args\":[],\"expected\":1}]}"));
    siginfo_t end;
    kill(slot.keeper, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)slot.keeper, &end, WEXITED | WNOWAIT), 0);
    json_t *r = grade(key, "def f(): return 1", false);
    assert_non_null(json_string_value(json_object_get(r, "infra")));
    assert_null(reason_of(r));
    json_decref(r);
    int status = slot_end();
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_int_equal(slot_start(state), 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    signal(SIGPIPE, SIG_IGN);
    alarm(HANG_S);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_and_source_are_counted),
        cmocka_unit_test(comparisons_follow_the_problem),
        cmocka_unit_test(exceptions_cross_by_name),
        cmocka_unit_test(arguments_come_back_changed),
        cmocka_unit_test(callables_are_called_back),
        cmocka_unit_test(objects_stay_with_the_program),
        cmocka_unit_test(starter_helpers_are_the_judges_own),
        cmocka_unit_test(unbound_names_are_the_programs),
        cmocka_unit_test(lying_objects_convince_nobody),
        cmocka_unit_test(hostile_programs_fail_and_leave_the_judge_well),
        cmocka_unit_test(test_code_is_stopped_too),
        cmocka_unit_test(whole_programs_are_judged_by_output),
        cmocka_unit_test(run_captures_what_is_printed),
        cmocka_unit_test(families_generate),
        cmocka_unit_test(timing_tells_faster_from_cheating),
        cmocka_unit_test(spoilt_inputs_pay_only_where_they_cannot_help),
        cmocka_unit_test(growth_is_measured_at_several_sizes),
        cmocka_unit_test(limits_follow_the_reference),
        cmocka_unit_test(our_faults_are_infra),
        cmocka_unit_test(sleep_is_told),
        cmocka_unit_test(sleep_in_timed_pairs_is_not_told),
        cmocka_unit_test(a_stuck_judge_leaves_a_verdict),
        cmocka_unit_test(a_dead_keeper_is_infra),
    };
    return cmocka_run_group_tests(tests, slot_start, slot_stop);
}
