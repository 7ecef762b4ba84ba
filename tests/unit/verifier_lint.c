/* verifier_lint.c: what the linter says about Python programs, and where. */
#include "tests/unit/lint_harness.h"

/* "line:column code" of every diagnostic, separated by spaces. */
static void expect_diagnostics(json_t *job, const char *wanted)
{
    json_t *r = ask_job(job), *d;
    struct buf got = {0};
    size_t i;
    json_array_foreach (json_object_get(r, "diagnostics"), i, d)
        buf_printf(&got, "%s%d:%d %s", i ? ", " : "",
                   (int)json_integer_value(json_object_get(d, "line")),
                   (int)json_integer_value(json_object_get(d, "column")),
                   json_string_value(json_object_get(d, "code")));
    assert_string_equal(buf_view(&got).s, wanted);
    buf_free(&got);
    json_decref(r);
}

static void diagnostics_point_at_places(void **state)
{
    (void)state;
    expect_diagnostics(
        json_pack("{s:s}", "text", "def f(x):\n    return x + \xc3\xa9t\xc3\xa9 + y\n"),
        "2:16 undefined-name, 2:22 undefined-name");
    expect_diagnostics(
        json_pack("{s:s, s:s}", "text", "def g(x):\n    return x\n", "entry_point", "f"),
        "1:1 no-entry-point");
    expect_diagnostics(json_pack("{s:s, s:s, s:s}", "text",
                                 "def f(x):\n    return sqrt(helper(x))\n", "entry_point", "f",
                                 "starter",
                                 "from math import sqrt\ndef helper(x):\n    return x\n"),
                       "");
    expect_diagnostics(json_pack("{s:s}", "text", "x = 1\nz = [x]\ny = (\n"), "3:1 syntax-error");
}

static void names_of_honest_programs_are_known(void **state)
{
    (void)state;
    static const char program[] =
        "import os.path, re as regex\nfrom math import sqrt as root\nimport collections\n"
        "A: int = 3\nb, (c, *d) = 1, (2, 3)\nfor i, j in enumerate([b, c]):\n    A += i + j\n"
        "class C(object):\n    size = 3\n    def m(self, p, /, q=A, *args, k: int = 2, **kw):\n"
        "        global G\n        G = self.size + p + q + k + len(args) + len(kw)\n        return "
        "__class__\n"
        "def f(x):\n    try:\n        with open(x) as h, open(x) as (u, v):\n            return [y "
        "* z for y in h for z in y if (w := z)] + [w, u, v]\n"
        "    except (OSError, KeyError) as e:\n        raise ValueError(f'{e} {regex} {root(4)}') "
        "from e\n"
        "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        n += 1\n        "
        "return lambda s, t=1: s + t + n\n    return inner\n"
        "def match_it(v):\n    match v:\n        case [first, *rest]:\n            return first, "
        "rest\n        case {'k': val, **others}:\n            return val, others\n"
        "        case C(size=sz) | sz:\n            return sz\n"
        "print({**{'a': os.path}}, {k: v for k, v in {}.items()}, f, outer, C, G, "
        "collections.Counter, __name__, sep='')\n";
    expect_diagnostics(json_pack("{s:s, s:s}", "text", program, "entry_point", "match_it"), "");
    json_t *r = ask(str_of(program));
    char *defines = json_dumps(json_object_get(r, "defines"), JSON_COMPACT);
    assert_string_equal(defines,
                        "[\"A\",\"b\",\"c\",\"d\",\"i\",\"j\",\"C\",\"f\",\"outer\",\"match_it\"]");
    assert_true(json_is_true(json_object_get(r, "parses")));
    free(defines);
    json_decref(r);
}

/* One row, one program; `wanted` as expect_diagnostics has it. */
static void each_pattern_speaks_and_is_silent(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"def f():\n    return 1\n    # so\n    x = 2\n", "4:5 unreachable"},
        {"def f(x):\n    if x:\n        raise x\n    return 1\n", ""},
        {"def f():\n    while True:\n        for i in f():\n            break\n    f()\n",
         "5:5 unreachable"},
        {"def f(x):\n    while True:\n        for i in x:\n            f(i)\n        else:\n"
         "            break\n    f()\n",
         ""},
        {"def f(x):\n    while 1:\n        if x:\n            break\n    return x\n", ""},
        {"def f():\n    return\n    yield\n", ""},
        {"x = 1\nx == 2\n", "2:1 unused-result"},
        {"x = 1\ntry:\n    int(x)\nexcept ValueError:\n    x = 2\n", ""},
        {"s = 'a'\ns.strip()\n", "2:1 unused-result"},
        {"xs = [1]\nsorted(xs)\nxs.sort()\n", "2:1 unused-result"},
        {"xs = [1]\nys = xs.sort(key=len)\nzs = xs.copy()\n", "2:1 none-result"},
        {"import numpy as np\ny = np.sort([2, 1])\n", ""},
        {"return 3\n", "1:1 outside-function"},
        {"class A:\n    return 3\n", "2:5 outside-function"},
        {"x = 1\nif x:\n    break\n", "3:5 outside-loop"},
        {"def f(x):\n# a comment that the grammar takes for the end of the block\n    return x\n",
         ""},
        {"class A:\n    def m():\n        pass\n    @staticmethod\n    def s():\n        pass\n",
         "2:10 missing-self"},
        {"def f(n):\n    return f(n - 1)\n", "2:12 endless-recursion"},
        {"def f(n):\n    if n == 0:\n        return 1\n    return f(n - 1)\n", ""},
        {"def f(a, b=[], c: dict = {}):\n    return a, b, c\n",
         "1:12 mutable-default, 1:26 mutable-default"},
        {"try:\n    x = 1\nexcept:\n    pass\n", "3:1 bare-except"},
        {"x = 3\ny = x is 3\nz = x is None\n", "2:10 is-literal"},
        {"assert (1, 'one')\nassert (1 == 1), 'one'\n", "1:8 assert-tuple"},
        {"def f():\n    pass\ndef f():\n    pass\n", "3:5 duplicate-definition"},
        {"if id:\n    def f():\n        pass\nelse:\n    def f():\n        pass\n", ""},
        {"class A:\n    @property\n    def x(self):\n        return 1\n    @x.setter\n"
         "    def x(self, v):\n        pass\n",
         ""},
        {"%matplotlib inline\nx = 100\ny = (x\n     % x)\n!ls -l\n?print\n",
         "1:1 notebook-magic, 5:1 notebook-magic, 6:1 notebook-magic"},
        {"s = '''\n%time f()\n'''\n", ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect_diagnostics(json_pack("{s:s}", "text", rows[i][0]), rows[i][1]);
}

static void columns_count_characters(void **state)
{
    (void)state;
    json_t *r = ask(STR("if id:\n\ts = '\xc3\xa9\xe2\x82\xac'; q\n")), *d;
    size_t i;
    int seen = 0;
    json_array_foreach (json_object_get(r, "diagnostics"), i, d) {
        assert_int_equal(json_integer_value(json_object_get(d, "line")), 2);
        assert_int_equal(json_integer_value(json_object_get(d, "column")), 12);
        assert_string_equal(json_string_value(json_object_get(d, "source")),
                            "\ts = '\xc3\xa9\xe2\x82\xac'; q");
        seen++;
    }
    assert_int_equal(seen, 2); /* undefined, and unused */
    json_decref(r);
}

static void expect_call(const char *text, const char *entry_point, int arguments, bool fits)
{
    const char *wrong = strchr(entry_point, '.') ? "2:9 wrong-parameters" : "1:5 wrong-parameters";
    expect_diagnostics(json_pack("{s:s, s:s, s:[i]}", "text", text, "entry_point", entry_point,
                                 "calls", arguments),
                       fits ? "" : wrong);
}

static void parameters_are_counted(void **state)
{
    (void)state;
    static const char method[] = "class S:\n    def f(self, a):\n        return a\n";
    expect_call("def f(a, b):\n    return a\n", "f", 2, true);
    expect_call("def f(a, b):\n    return a\n", "f", 1, false);
    expect_call("def f(a, b=1):\n    return a\n", "f", 1, true);
    expect_call("def f(a, b=1):\n    return a\n", "f", 3, false);
    expect_call("def f(a: int, *rest: int, c=2, **more):\n    return a\n", "f", 5, true);
    expect_call("def f(a: int, *rest: int):\n    return a\n", "f", 0, false);
    expect_call("def f(a, /, b, *, c):\n    return a\n", "f", 2, false);
    expect_call("import functools\n@functools.cache\ndef f(a):\n    return a\n", "f", 2, true);
    expect_call("f = lambda a: a\n", "f", 2, true);
    expect_call("def f(a):\n    return a\nf = print\n", "f", 2, true);
    expect_call(method, "S.f", 1, true);
    expect_call(method, "S.f", 2, false);
    expect_diagnostics(json_pack("{s:s, s:s, s:s}", "text", "def f(a):\n    return a\n",
                                 "entry_point", "f", "model", "def f(a, b):\n    return b\n"),
                       "1:5 wrong-parameters");
    expect_diagnostics(json_pack("{s:s, s:s, s:s}", "text", "def f(a, b=0):\n    return a\n",
                                 "entry_point", "f", "model",
                                 "def f(x):\n    \"\"\"Twice x.\"\"\"\n"),
                       "");
}

/* The grammar's scanner remembers an f-string that never ends. */
static void texts_leave_nothing_behind(void **state)
{
    (void)state;
    static const char program[] = "def f(x):\n    for i in range(x):\n        if i:\n"
                                  "            return i\n    return x\n";
    static const char *const before[] = {"x = f\"{a\n", "print(f\"\"\"{x 1 2\n", "x = (((\n",
                                         "if x:\n  if y:\n\tz = {\n"};
    for (size_t i = 0; i < COUNT_OF(before); i++) {
        json_decref(ask(str_of(before[i])));
        json_t *r = ask(str_of(program));
        assert_true(json_is_true(json_object_get(r, "parses")));
        assert_int_equal(json_array_size(json_object_get(r, "diagnostics")), 0);
        json_decref(r);
    }
}

static long resident_bytes(void)
{
    char path[40];
    long all, resident;
    snprintf(path, sizeof path, "/proc/%d/statm", child);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &all, &resident), 2);
    fclose(f);
    return resident * sysconf(_SC_PAGESIZE);
}

/* Nor memory: a linter serves millions. */
static void texts_take_no_memory(void **state)
{
    (void)state;
    enum { TEXTS = 8000 };
    long before = 0;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* what is freed is kept for a while */
#endif
    for (int i = 0; i < 2 * TEXTS; i++) {
        if (i == TEXTS)
            before = resident_bytes();
        json_decref(ask(STR("def f(x):\n    return f\"{x}\" + '''\n'''\n")));
    }
    assert_in_range(resident_bytes(), 0, before + 16l * TEXTS);
}

/* What was learnt of a starter serves all programs of its problem, and no other. */
static void starters_are_remembered(void **state)
{
    (void)state;
    struct buf large = {0};
    while (large.len < 20 << 10)
        buf_puts(&large, "import math\n# one that is not kept\n");
    buf_puts(&large, "def helper(x):\n    return x\n");
    const struct {
        const char *starter, *wanted;
    } rows[] = {
        {"import math\ndef helper(x):\n    return x\n", ""},
        {"import math\n", "2:12 undefined-name"},
        {"from math import *\n", ""},
        {"def helper(x:\n", "2:12 undefined-name, 2:19 undefined-name"},
        {buf_view(&large).s, ""},
    };
    for (size_t i = 0; i < 3 * COUNT_OF(rows); i++)
        expect_diagnostics(json_pack("{s:s, s:s, s:s}", "text",
                                     "def f(x):\n    return helper(math.sqrt(x))\n", "entry_point",
                                     "f", "starter", rows[i % COUNT_OF(rows)].starter),
                           rows[i % COUNT_OF(rows)].wanted);
    for (int i = 0; i < 1000; i++) { /* more than there is room for */
        char starter[32], text[32];
        snprintf(starter, sizeof starter, "v%d = 1\n", i % 700);
        snprintf(text, sizeof text, "w = v%d\n", i % 700);
        expect_diagnostics(json_pack("{s:s, s:s}", "text", text, "starter", starter), "");
    }
    json_t *r = ask_job(json_pack("{s:s, s:s}", "text", "a = 1\nb = 2\n", "starter", "a = 0\n"));
    assert_int_equal(json_array_size(json_object_get(r, "defines")), 1); /* the text's own: b */
    json_decref(r);
    buf_free(&large);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(diagnostics_point_at_places),
        cmocka_unit_test(names_of_honest_programs_are_known),
        cmocka_unit_test(each_pattern_speaks_and_is_silent),
        cmocka_unit_test(columns_count_characters),
        cmocka_unit_test(parameters_are_counted),
        cmocka_unit_test(texts_leave_nothing_behind),
        cmocka_unit_test(texts_take_no_memory),
        cmocka_unit_test(starters_are_remembered),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
