/* What a judge reads out of a problem for `assay check`: mutants that differ, trivial programs, what a
 * prompt gives away. And what a set holds twice. The command itself is tested by tests/e2e/check.sh. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "verifier/check.h"
#include "verifier/command.h"
#include "verifier/helper.h"

/* The "found" of an inspection, a new reference. `more` (taken) replaces keys of the request. */
static json_t *inspect(const char *program, const char *entry, json_t *more)
{
    struct err err = {0};
    json_t *question = json_pack("{s:s, s:s?, s:s?, s:s, s:[], s:s, s:[], s:i}", "op", "inspect",
                                 "program", program, "entry_point", entry, "prompt", "Do it.",
                                 "cases", "tests", "", "stdio", "limit", 100);
    if (more)
        json_object_update(question, more);
    json_decref(more);
    json_t *answer = command_ask(POOL_JUDGE, question, 60000, &err);
    if (!answer || json_is_string(json_object_get(answer, "error")))
        print_error("%s %s\n", err.text, json_string_value(json_object_get(answer, "error")));
    assert_non_null(answer);
    json_t *found = json_incref(json_object_get(answer, "found"));
    json_decref(answer);
    json_decref(question);
    return found;
}

static bool has(const json_t *list, const char *key, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_object_get(json_array_get(list, i), key)), text) == 0)
            return true;
    return false;
}

static int count(const json_t *found, const char *key)
{
    return (int)json_integer_value(json_object_get(found, key));
}

static void mutants_are_small_edits(void **state)
{
    static const char program[] = "import sys\n"
                                  "def unused(x): return x + 1\n"
                                  "def f(xs, n: int = 3):\n"
                                  "    \"\"\"Text with 1 and <.\"\"\"\n"
                                  "    if n < 0 or not xs:\n"
                                  "        raise ValueError('below 0')\n"
                                  "    total = 0\n"
                                  "    for x in xs[1:]:\n"
                                  "        total += x\n"
                                  "    return total\n"
                                  "if __name__ == '__main__': print(f([1], 2))\n";
    static const char *const wanted[] = {"if n <= 0 or not xs:",
                                         "if n < 1 or not xs:",
                                         "if n < 0 and (not xs):",
                                         "if n < 0 or xs:",
                                         "total -= x",
                                         "return None",
                                         "for x in xs[:]:",
                                         "for x in xs[2:]:",
                                         "total = 1",
                                         "def f(xs, n: int=4):",
                                         "pass"};
    static const char *const unwanted[] = {"raise ValueError('')", "return x - 1",
                                           "print(f([2], 2))"};
    (void)state;
    json_t *found = inspect(program, "f", NULL), *mutants = json_object_get(found, "mutants");
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        if (!has(mutants, "now", wanted[i]))
            fail_msg("no mutant says: %s", wanted[i]);
    for (size_t i = 0; i < COUNT_OF(unwanted); i++)
        assert_false(has(mutants, "now", unwanted[i]));
    json_t *seen = json_object(), *m;
    size_t i;
    json_array_foreach (mutants, i, m) {
        const char *source = json_string_value(json_object_get(m, "source"));
        assert_null(strstr(source, "Text with"));
        assert_null(json_object_get(seen, source));
        json_object_set_new(seen, source, json_true());
        assert_in_range(json_integer_value(json_object_get(m, "line")), 3, 10);
    }
    json_decref(seen);
    json_decref(found);
}

static void few_mutants_are_spread_and_repeat(void **state)
{
    static const char program[] = "def f(a):\n"
                                  "    b = (a + 1) * 2 - 3 + 4 * 5\n"
                                  "    c = b + 6\n"
                                  "    return c\n";
    (void)state;
    json_t *a = inspect(program, "f", json_pack("{s:i}", "limit", 3));
    json_t *b = inspect(program, "f", json_pack("{s:i}", "limit", 3)), *m;
    int lines = 0;
    size_t i;
    json_array_foreach (json_object_get(a, "mutants"), i, m)
        lines |= 1 << json_integer_value(json_object_get(m, "line"));
    assert_int_equal(lines, 1 << 2 | 1 << 3 | 1 << 4);
    assert_true(count(a, "possible") > 10);
    assert_true(json_equal(a, b));
    json_decref(a);
    json_decref(b);
}

static void trivial_programs_do_next_to_nothing(void **state)
{
    (void)state;
    json_t *found = inspect("def f(xs): return sorted(xs)\n", "f",
                            json_pack("{s:s}", "tests", "assert f([2, 1]) == [1, 2]\n"));
    json_t *trivial = json_object_get(found, "trivial");
    assert_true(has(trivial, "what", "does nothing"));
    assert_true(has(trivial, "what", "returns its first argument"));
    assert_true(has(trivial, "what", "always returns [1, 2]"));
    assert_true(has(trivial, "source", "def f(xs):\n    return xs"));
    json_decref(found);

    /* A reference that is itself trivial is not held against its tests. */
    found = inspect("def f(x): return x\n", "f", json_pack("{s:s}", "tests", "assert f(1) == 1\n"));
    trivial = json_object_get(found, "trivial");
    assert_false(has(trivial, "what", "returns its first argument"));
    assert_true(has(trivial, "what", "does nothing"));
    json_decref(found);

    /* Neither is a constant where nothing is asked. */
    found = inspect("def f(): return [1, 2]\n", "f",
                    json_pack("{s:s}", "tests", "assert f() == [1, 2]\n"));
    assert_false(has(json_object_get(found, "trivial"), "what", "always returns [1, 2]"));
    json_decref(found);

    found = inspect("class A:\n def __init__(self, n): self.n = n\n def up(self, k): self.n += k\n",
                    "A", json_pack("{s:s}", "tests", "a = A(1)\na.up(2)\nassert a.n == 3\n"));
    trivial = json_object_get(found, "trivial");
    assert_true(has(trivial, "source",
                    "class A:\n\n    def __init__(self, n):\n        self.n = n\n\n"
                    "    def up(self, k):\n        return k"));
    json_decref(found);

    found = inspect("class Solution:\n def f(self, xs): return sorted(xs)\n", "f",
                    json_pack("{s:s}", "tests", "assert f([2, 1]) == [1, 2]\n"));
    assert_true(has(json_object_get(found, "trivial"), "source",
                    "class Solution:\n\n    def f(self, xs):\n        return xs"));
    json_decref(found);

    found = inspect("print(input())", NULL,
                    json_pack("{s:[{s:s, s:s}]}", "stdio", "stdin", "a\n", "stdout", "b\n"));
    trivial = json_object_get(found, "trivial");
    assert_int_equal(json_array_size(trivial), 3);
    assert_true(has(trivial, "what", "prints its input"));
    json_decref(found);
}

static void prompts_give_away(void **state)
{
    static const struct {
        const char *prompt, *tests;
        int shown, answers;
    } rows[] = {
        {"Sort.", "assert f([2, 1]) == [1, 2]", 0, 0},
        {">>> f([2,1])\n[1, 2]", "assert f([2, 1]) == [1, 2]", 1, 0},
        {"f( \"ab\" ) gives 'ba'", "assert f('ab') == 'ba'\nassert f('cd') == 'dc'", 1, 0},
        {"f(7) is true", "assert f(7)\nassert not f(8)\nassert f(9) is True", 1, 0},
        {"As in 1, 1, 2, 3, 5, 8, 13, 21", "assert f(8) == [1, 1, 2, 3, 5, 8, 13, 21]", 0, 0},
        {"[1, 1, 2, 3, 5, 8, 13, 21]", "assert f(8) == [1, 1, 2, 3, 5, 8, 13, 21]", 0, 1},
        {"f(x) is 3", "x = 2\nassert f(x) == 3", 0, 0},
        {"f(7) is 49",
         "class T:\n  def test(self):\n    self.assertEqual(f(7), 49)\n"
         "    self.assertTrue(f(x))\n",
         1, 0},
        {"f(1, k=2) is 3", "def check(candidate):\n    assert candidate(1, k=2) == 3", 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *found = inspect(
            NULL, "f", json_pack("{s:s, s:s}", "prompt", rows[i].prompt, "tests", rows[i].tests));
        if (count(found, "shown") != rows[i].shown ||
            count(found, "answers_shown") != rows[i].answers)
            fail_msg("%s: shown %d, answers %d", rows[i].prompt, count(found, "shown"),
                     count(found, "answers_shown"));
        json_decref(found);
    }
}

static void sources_that_do_not_parse_are_said(void **state)
{
    struct err err = {0};
    json_t *question = json_pack("{s:s, s:s, s:n, s:s, s:[], s:s, s:[], s:i}", "op", "inspect",
                                 "program", "def f(:", "entry_point", "prompt", "", "cases",
                                 "tests", "", "stdio", "limit", 5);
    (void)state;
    json_t *answer = command_ask(POOL_JUDGE, question, 60000, &err);
    assert_true(json_is_null(json_object_get(answer, "infra")));
    assert_non_null(strstr(json_string_value(json_object_get(answer, "error")), "SyntaxError"));
    json_decref(answer);
    json_decref(question);
}

static json_t *kinds_of(struct check_set *set, const char *prompt, const char *tests,
                        const char *shape)
{
    struct check_options o = {0};
    struct problem p = {
        .id = (char *)"p", .prompt = (char *)prompt, .suite = json_pack("{s:s}", "tests", tests)};
    struct check_row r = {.options = &o,
                          .problem = &p,
                          .found = json_pack("{s:s?}", "shape", shape),
                          .findings = json_array()};
    check_set_add(set, &r);
    json_t *messages = json_array(), *f;
    size_t i;
    json_array_foreach (r.findings, i, f)
        json_array_append(messages, json_object_get(f, "message"));
    check_row_free(&r);
    json_decref(p.suite);
    return messages;
}

static void duplicates_are_found(void **state)
{
    static const struct {
        const char *prompt, *tests, *shape;
        size_t found;
    } rows[] = {
        {"Add  two\nnumbers.", "assert 1", "s1", 0},
        {"add two numbers. ", "assert 2", "s2", 1},
        {"Something else.", "assert 1", "s3", 1},
        {"A third.", "assert 3", "s1", 1},
        {"A fourth.", "assert 4", NULL, 0},
        {"A fifth.", "assert 5", NULL, 0},
        {"Add two numbers", "assert 6", "s6", 0},
        {"", "assert 7", NULL, 0},
        {"", "assert 8", NULL, 0},
    };
    struct check_set set;
    (void)state;
    check_set_open(&set);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *found = kinds_of(&set, rows[i].prompt, rows[i].tests, rows[i].shape);
        if (json_array_size(found) != rows[i].found)
            fail_msg("row %zu: %zu findings", i, json_array_size(found));
        json_decref(found);
    }
    check_set_close(&set);
}

static int find_helpers(void **state)
{
    char real[PATH_MAX];
    const char *build = getenv("ASSAY_BUILD");
    (void)state;
    if (realpath(build ? build : "build/release", real))
        helper_set_folder(real);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutants_are_small_edits),
        cmocka_unit_test(few_mutants_are_spread_and_repeat),
        cmocka_unit_test(trivial_programs_do_next_to_nothing),
        cmocka_unit_test(prompts_give_away),
        cmocka_unit_test(sources_that_do_not_parse_are_said),
        cmocka_unit_test(duplicates_are_found),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, find_helpers, NULL);
}
