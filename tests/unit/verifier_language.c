/* verifier_language.c: the real assay-lint, jailed as it runs in a slot, asked about languages,
 * names and hostile texts. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/file.h"
#include "verifier/lint.h"
#include "wire.h"

static pid_t child;
static int to_lint, from_lint;
static uint32_t seq;

static void read_all(void *bytes, size_t n)
{
    for (size_t have = 0; have < n;) {
        ssize_t got = read(from_lint, (char *)bytes + have, n - have);
        assert_true(got > 0);
        have += (size_t)got;
    }
}

static void write_all(const void *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t put = write(to_lint, (const char *)bytes + done, n - done);
        assert_true(put > 0);
        done += (size_t)put;
    }
}

static json_t *receive(unsigned type, uint32_t wanted_seq)
{
    struct wire_header head;
    read_all(&head, sizeof head);
    assert_int_equal(head.type, type);
    assert_int_equal(head.version, WIRE_VERSION);
    assert_int_equal(head.seq, wanted_seq);
    char *text = xcalloc(head.len + 1, 1);
    read_all(text, head.len);
    json_t *value = json_loads(text, 0, NULL);
    assert_non_null(value);
    free(text);
    return value;
}

static json_t *ask_job(json_t *job)
{
    char *text = json_dumps(job, JSON_COMPACT);
    assert_non_null(text);
    struct wire_header head = {
        .len = (uint32_t)strlen(text), .version = WIRE_VERSION, .type = WIRE_JOB, .seq = ++seq};
    write_all(&head, sizeof head);
    write_all(text, head.len);
    free(text);
    json_decref(job);
    return receive(WIRE_RESULT, seq);
}

static json_t *ask(struct str text)
{
    json_t *s = json_stringn(text.s, text.len);
    assert_non_null(s);
    return ask_job(json_pack("{s:o, s:n}", "text", s, "entry_point"));
}

static int start(void **state)
{
    (void)state;
    const char *build = getenv("ASSAY_BUILD");
    char path[PATH_MAX];
    int in[2], out[2];
    snprintf(path, sizeof path, "%s/assay-lint", build ? build : "build/release");
    if (access(path, X_OK) != 0 || pipe(in) != 0 || pipe(out) != 0)
        return -1;
    signal(SIGPIPE, SIG_IGN);
    child = fork();
    if (child == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execl(path, "assay-lint", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    to_lint = in[1];
    from_lint = out[0];
    json_t *hello = receive(WIRE_HELLO, 0);
    int rc = strcmp(json_string_value(json_object_get(hello, "name")), "lint");
    json_decref(hello);
    return rc;
}

static int stop(void **state)
{
    (void)state;
    int status = -1;
    close(to_lint);
    close(from_lint);
    waitpid(child, &status, 0);
    return status; /* it ends by itself, with 0, when its input does */
}

static void expect_language(const char *text, const char *language)
{
    json_t *r = ask(str_of(text));
    const char *got = json_string_value(json_object_get(r, "language"));
    if (strcmp(got, language) != 0)
        fail_msg("%s, not %s: %s", got, language, text);
    json_decref(r);
}

static void python_stays_python(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "def f(x):\n    return x + 1\n",
        "x = 1",
        "import os",
        "print('hello')",
        "return 3",
        "class A:\n    pass\n",
        "lines = open(0).read().split()\nprint(len(lines))\n",
        "def f(x:\n    return x\n",
        "def f(x)\n    return x\n",
        "def f(x):\nreturn x\n",
        "def f(x):\n    if x > 0\n        return x\n    else:\n        return -x\n",
        "def f(x):\n    return x +\n",
        "def f(x):\n    for i in range(x):\n        total += i\n    return total)\n",
        "Here is the function:\n\ndef f(x):\n    return x * 2\n\nIt doubles x.\n",
        "def f(x):\n    \"\"\"Never closed\n    return x\n",
        "def f(xs):\n    return [x for x in xs if x && x > 0]\n",
        "def f(x):\n    x++;\n    return x\n",
        "async def f():\n    await g()\n",
        "f = lambda x: x\n",
        "from typing import List\n\ndef f(a: List[int]) -> int:\n    return sum(a\n",
        "def solve(a, b): return a + b\n",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        expect_language(texts[i], "python");
}

static void what_is_no_program(void **state)
{
    (void)state;
    static const char *const prose[] = {
        "The answer is to sort the list first and then take the middle element.",
        "I'm sorry, but I cannot help with that request.",
        "Yes",
        "Hello, world",
        "First, we sort the numbers. Then we walk through them, and for each one we ask\nwhether "
        "it was "
        "seen before. If it was, we stop.",
        "function SORT(list) returns a list\n  for each x in list do\n    if x > y then swap x and "
        "y\n  return list\n",
        "\xe6\x88\x91\xe4\xbb\xac\xe5\x85\x88\xe6\x8e\x92\xe5\xba\x8f\xef\xbc\x8c\xe7\x84\xb6\xe5"
        "\x90\x8e\xe5\x8f\x96"
        "\xe4\xb8\xad\xe9\x97\xb4\xe7\x9a\x84\xe6\x95\xb0\xe3\x80\x82",
    };
    static const char *const data[] = {
        "{\"a\": [1, 2, true], \"b\": null}",
        "[1, 2, 3]",
        "42",
        "<!DOCTYPE html>\n<html>\n<body>\n<p>Hi there</p>\n</body>\n</html>\n",
        "## Approach\n\n- sort the list\n- take the **middle**\n\n1. First\n2. Second\n\n> so "
        "[here](http://x.y)\n",
        "Let $x_{1}, x_{2}$ be real numbers such that $$\\frac{x_{1}}{x_{2}} \\leq \\sqrt{2}.$$ "
        "Find $x_{1}$.",
    };
    static const char *const empty[] = {"", "\n\n   \n", "# only a comment\n"};
    for (size_t i = 0; i < COUNT_OF(prose); i++)
        expect_language(prose[i], "prose");
    for (size_t i = 0; i < COUNT_OF(data); i++)
        expect_language(data[i], "data");
    for (size_t i = 0; i < COUNT_OF(empty); i++)
        expect_language(empty[i], "empty");
}

static void other_languages_are_named(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"python2", "def f(x):\n    print \"x is\", x\n    return x\n"},
        {"python2", "try:\n    f()\nexcept ValueError, e:\n    raise\n"},
        {"javascript", "function f(x) {\n  const y = x.map(v => v * 2);\n  return y;\n}\n"},
        {"java",
         "public class A {\n    public static int f(int x) {\n        return x + 1;\n    }\n}\n"},
        {"c",
         "#include <stdio.h>\n\nint main(void) {\n    printf(\"%d\\n\", 3);\n    return 0;\n}\n"},
        {"c++", "#include <vector>\nusing namespace std;\n\nint f(vector<int> v) {\n    "
                "std::sort(v.begin(), v.end());\n"
                "    return v[0];\n}\n"},
        {"go", "package main\n\nfunc f(x int) int {\n\ty := x + 1\n\treturn y\n}\n"},
        {"rust", "fn f(x: &mut Vec<i32>) -> i32 {\n    let mut y = 0;\n    y += x[0];\n    y\n}\n"},
        {"ruby", "def f(x)\n  x.map { |v| v * 2 }\nend\n"},
        {"bash", "#!/bin/bash\nfor i in 1 2 3; do\n  echo \"$i\"\ndone\n"},
        {"sql", "SELECT a, COUNT(b)\nFROM t\nWHERE a > 3\nGROUP BY a\n"},
        {"haskell", "f :: Int -> Int\nf 0 = 1\nf n = n * f (n - 1)\n  where k = n\n"},
        {"lua", "local function f(x)\n  if x == nil then\n    return 0\n  end\n  return x\nend\n"},
        {"r", "f <- function(x) {\n  y <- c(1, 2, x)\n  mean(y)\n}\n"},
        {"kotlin", "fun f(x: Int): Int {\n    val y = listOf(x)\n    return y[0]\n}\n"},
        {"php", "<?php\nfunction f($x) {\n    return $x + 1;\n}\n"},
        {"perl", "use strict;\nsub f {\n    my ($x) = @_;\n    return $x + 1;\n}\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect_language(rows[i][1], rows[i][0]);
}

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

static void hostile_texts_are_answered_in_time(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "(",       "[{(",           "x",          "\"\"\"'", "{\"a\":", "-",
        "f\"{",    "lambda:",       "def f():\n", "a<b<",    "r#\"",    "\xf0\x9f\x98\x80",
        "\n\t\n ", "if x:\n else:", "'''\\\n",    "@"};
    char *text = xcalloc(LINT_TEXT_BYTES_MAX, 1);
    for (size_t k = 0; k < COUNT_OF(parts); k++) {
        size_t n = strlen(parts[k]), len = LINT_TEXT_BYTES_MAX / 4 / n * n;
        for (size_t i = 0; i < len; i++)
            text[i] = parts[k][i % n];
        int64_t start_ns = wall_ns();
        json_decref(ask(str_make(text, len)));
        assert_true(wall_ns() - start_ns < 5 * (int64_t)NS_PER_S);
    }
    free(text);
    expect_language("x = 1\ny\x01 = 2\n", "python");
}

/* Grades three ways: Python, another language, no code. */
static int way_of(const char *label)
{
    static const char *const none[] = {
        "HTML",     "JSON",       "english",    "other_natural_language",
        "markdown", "latex_math", "pseudocode", "prose",
        "data",     "empty"};
    for (size_t i = 0; i < COUNT_OF(none); i++)
        if (strcmp(label, none[i]) == 0)
            return 0;
    return strcasecmp(label, "python") == 0 ? 1 : 2;
}

static void labelled_samples(void **state)
{
    (void)state;
    FILE *f = fopen("../shared/data/langid/dev.jsonl", "r");
    char *line = NULL;
    size_t cap = 0, n = 0, right = 0;
    if (!f) {
        print_message("# ../shared/data/langid is absent\n");
        skip();
    }
    while (getline(&line, &cap, f) > 0) {
        json_t *row = json_loads(line, 0, NULL), *text = json_object_get(row, "text");
        json_t *r = ask(str_make(json_string_value(text), json_string_length(text)));
        n++;
        right += way_of(json_string_value(json_object_get(row, "label"))) ==
                 way_of(json_string_value(json_object_get(r, "language")));
        json_decref(r);
        json_decref(row);
    }
    free(line);
    fclose(f);
    print_message("# %zu of %zu\n", right, n);
    assert_int_equal(n, 840);
    assert_true(right >= 815);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(python_stays_python),
        cmocka_unit_test(what_is_no_program),
        cmocka_unit_test(other_languages_are_named),
        cmocka_unit_test(diagnostics_point_at_places),
        cmocka_unit_test(names_of_honest_programs_are_known),
        cmocka_unit_test(hostile_texts_are_answered_in_time),
        cmocka_unit_test(labelled_samples),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
