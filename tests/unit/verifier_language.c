/* verifier_language.c: which language the linter calls a text, honest, foreign or hostile. */
#include "tests/unit/lint_harness.h"

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
        "def f(x) return x\n",
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
        "x = 1\nz = [x]\ny = (\n",
        "x = (\n",
        "x = 1\n\tz = [x\ny = (\n",
        "%matplotlib inline\n!pip install numpy\nimport numpy as np\nprint(np.zeros(3))\n",
        ">>> def f(x):\n...     return x\n>>> f(3)\n3\n",
        "from a import b\nfrom c impor d\nfrom e import f, g\n",
        "def f(x):\n    # sort it -- then return it\n    return sorted(x\n",
        "root = Node(1)\nroot.left = Node(2)\nroot.right = Node(3)\nprint(depth(root))\n",
        "root = Node(12)\nroot.left = Node(10)\nroot.right = Node(20)\n\nleft_view(root)\n",
        "    for i in x:\n        if i > 3:\n            return i\n    return None)\n",
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
        "I do not know.",
        "I don't know",
        "No.",
        "Let me think - maybe 5?",
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
        {"javascript", "function fibonacci(n) {\n  if (n <= 1) {\n    return n;\n  } else {\n"
                       "    return fibonacci(n - 2) + fibonacci(n - 1);\n  }\n}\n"},
        {"go", "func (s *Spiral) Move() {\n\tswitch s.direction {\n\tcase \"right\":\n"
               "\t\ts.x++\n\t\treturn\n\tcase \"down\":\n\t\ts.y++\n\t}\n}\n"},
        {"java",
         "import java.util.*;\n\npublic class A {\n    public static int f(List<Integer> x) {\n"
         "        System.out.println(x.size());\n        return x.get(0) + 1;\n    }\n}\n"},
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
        {"typescript", "function f(x: number[]): string {\n    const y: number = x[0];\n    return "
                       "y.toString();\n}\n"},
        {"c#", "using System;\n\npublic class A {\n    public static void Main(string[] args) {\n"
               "        Console.WriteLine(args.Length);\n    }\n}\n"},
        {"swift", "func f(_ x: [Int]) -> Int {\n    guard let y = x.first else { return 0 }\n    "
                  "return y\n}\n"},
        {"scala", "object A {\n  def f(x: List[Int]): Int = {\n    val y = x.head\n    y + 1\n  "
                  "}\n}\n"},
        {"julia", "function f(x::Int)\n    y = x + 1\n    println(y)\n    return y\nend\n"},
        {"dart", "int f(List<int> x) {\n  final y = x.first;\n  print('$y');\n  return y;\n}\n\n"
                 "void main() {\n  f([1]);\n}\n"},
        {"elixir", "defmodule A do\n  def f(x) do\n    x |> Enum.map(fn v -> v * 2 end)\n  end\n"
                   "end\n"},
        {"perl", "use strict;\nsub f {\n    my ($x) = @_;\n    return $x + 1;\n}\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect_language(rows[i][1], rows[i][0]);
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
        int64_t start_ns = child_cpu_ns();
        json_decref(ask(str_make(text, len)));
        assert_true(child_cpu_ns() - start_ns < 5 * (int64_t)NS_PER_S);
    }
    free(text);
    expect_language("x = 1\ny\x01 = 2\n", "python");
}

#ifndef __SANITIZE_ADDRESS__
static long child_peak_kib(void)
{
    char path[64], line[128];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)child);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = atol(line + 6);
    fclose(f);
    return kib;
}
#endif

/* What makes parsers recurse, backtrack or remember, up to a megabyte each. One process answers all
 * of it, and stays small. */
static void bombs_cost_little(void **state)
{
    (void)state;
    static const struct {
        const char *before, *part, *after;
        size_t times;
    } bombs[] = {
        {"", "(", "", 100000},
        {"x = ", "[", "", 199},
        {"x = ", "a+", "a", 19000},
        {"x = \"", "a", "\"", 1000000},
        {"", "x = 1\n", "", 50000},
        {"", "def f(:\n", "", 6000},
        {"", "@!$ ", "", 9000},
        {"", "if if if ", "", 4000},
        {"x", "()", "", 9000},
        {"x", ".a", "", 19000},
        {"", "not ", "x", 30000},
        {"", "-", "x", 39000},
        {"", "lambda:", "0", 15000},
        {"", "x==1;", "", 9000},
        {"a", " < b", "", 19000},
        {"def f():\n", "    return 1\n", "", 8000},
        {"", "while 1:\n x\n", "", 4000},
        {"", "\\\n", "", 13000},
        {"", "\xe2\x80\xae", "", 10000},
        {"", "if x: pass\n", "else", 9000},
    };
    for (size_t k = 0; k < COUNT_OF(bombs); k++) {
        struct buf text = {0};
        buf_puts(&text, bombs[k].before);
        for (size_t i = 0; i < bombs[k].times; i++)
            buf_puts(&text, bombs[k].part);
        buf_puts(&text, bombs[k].after);
        int64_t start_ns = child_cpu_ns();
        json_decref(ask(buf_view(&text)));
        assert_true(child_cpu_ns() - start_ns < 3 * (int64_t)NS_PER_S);
        buf_free(&text);
    }
    static const char zeros[] = "x = '\0\0'\n\0";
    json_decref(ask(str_make(zeros, sizeof zeros - 1)));
#ifndef __SANITIZE_ADDRESS__
    assert_in_range(child_peak_kib(), 1, 100 << 10);
#endif
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
    size_t cap = 0, n = 0, right = 0, foreign = 0, named = 0;
    if (!f) {
        print_message("# ../shared/data/langid is absent\n");
        skip();
    }
    while (getline(&line, &cap, f) > 0) {
        json_t *row = json_loads(line, 0, NULL), *text = json_object_get(row, "text");
        json_t *r = ask(str_make(json_string_value(text), json_string_length(text)));
        const char *label = json_string_value(json_object_get(row, "label"));
        const char *language = json_string_value(json_object_get(r, "language"));
        n++;
        right += way_of(label) == way_of(language);
        foreign += way_of(label) == 2;
        named += way_of(label) == 2 && strcasecmp(label, language) == 0;
        json_decref(r);
        json_decref(row);
    }
    free(line);
    fclose(f);
    print_message("# %zu of %zu; %zu of %zu languages named\n", right, n, named, foreign);
    assert_int_equal(n, 840);
    assert_true(right * 100 >= n * 98);
    assert_true(named * 100 >= foreign * 95);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(python_stays_python),
        cmocka_unit_test(what_is_no_program),
        cmocka_unit_test(other_languages_are_named),
        cmocka_unit_test(hostile_texts_are_answered_in_time),
        cmocka_unit_test(bombs_cost_little),
        cmocka_unit_test(labelled_samples),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
