/* verifier_formats.c: assert-style problem files of other projects, one sample of each written for
 * this test (tests/golden/formats): what the reader makes of them, and what it says of bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/file.h"
#include "problem.h"

static struct problem_set read_good(const char *name)
{
    struct problem_set set = {0};
    struct err err = {0};
    char path[200];
    snprintf(path, sizeof path, "tests/golden/formats/%s.jsonl", name);
    if (problems_add(&set, path, NULL, NULL, &err) != 0)
        fail_msg("%s", err.text);
    return set;
}

static const struct problem *find(const struct problem_set *set, const char *id)
{
    const struct problem *p = problems_find(set, id);
    if (!p)
        fail_msg("no problem %s", id);
    return p;
}

static const char *suite_text(const struct problem *p, const char *key)
{
    return json_string_value(json_object_get(p->suite, key));
}

static void expect_bad(const char *text, const char *part)
{
    struct problem_set set = {0};
    struct err err = {0};
    char path[] = "/tmp/assay-formats-XXXXXX.jsonl";
    int fd = mkstemps(path, 6);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    assert_int_equal(problems_add(&set, path, NULL, NULL, &err), -EINVAL);
    if (!strstr(err.text, part) || strncmp(err.text, path, strlen(path)) != 0 ||
        strncmp(err.text + strlen(path), ":1: ", 4) != 0)
        fail_msg("`%s` is not in `%s`", part, err.text);
    problems_free(&set);
    unlink(path);
}

/* Inputs become cases without an answer, in two groups; the reference is the whole program. */
static void evalplus(void **state)
{
    (void)state;
    struct problem_set set = read_good("evalplus_humaneval");
    const struct problem *p = find(&set, "HumanEval/900");
    const json_t *cases = json_object_get(p->suite, "cases"), *first = json_array_get(cases, 0),
                 *last = json_array_get(cases, 6), *big;
    assert_int_equal(json_array_size(cases), 7);
    assert_string_equal(json_string_value(json_object_get(first, "group")), "base");
    assert_string_equal(json_string_value(json_object_get(last, "group")), "plus");
    assert_null(json_object_get(first, "expected"));
    assert_string_equal(p->entry_point, "mean_gap");
    assert_non_null(strstr(p->starter, "from typing import List"));
    assert_null(strstr(p->starter, "def mean_gap"));
    assert_non_null(strstr(p->prefix, "def mean_gap"));
    assert_non_null(strstr(suite_text(p, "reference"), "    return sum(abs(a - b)"));
    big = json_array_get(json_array_get(json_object_get(json_array_get(cases, 5), "args"), 0), 0);
    assert_string_equal(json_string_value(json_object_get(big, PROBLEM_BIG_INTEGER)),
                        "12345678901234567890");
    problems_free(&set);
    set = read_good("evalplus_mbpp");
    p = find(&set, "9001"); /* any form of the number */
    assert_non_null(
        strstr(json_string_value(json_object_get(json_object_get(p->suite, "derive"), "like")),
               "swap_pairs(((1, 2)"));
    problems_free(&set);
}

static void class_methods(void **state)
{
    (void)state;
    struct problem_set set = read_good("leetcode");
    const struct problem *p = find(&set, "turn-the-list");
    assert_string_equal(p->entry_point, "Solution().turn");
    assert_non_null(strstr(p->starter, "class ListNode"));
    assert_non_null(strstr(p->prefix, "def turn(self"));
    assert_string_equal(p->prompt, "Reverse a linked list.");
    assert_string_equal(json_string_value(json_object_get(p->shown, "difficulty")), "Easy");
    assert_null(suite_text(p, "framework"));
    problems_free(&set);
}

static void test_modules(void **state)
{
    (void)state;
    struct problem_set set = read_good("bigcodebench");
    const struct problem *p = find(&set, "BigCodeBench/9001");
    assert_string_equal(suite_text(p, "framework"), "pytest");
    assert_non_null(strstr(suite_text(p, "reference"), "throws = ["));
    problems_free(&set);
    set = read_good("kodcode");
    p = find(&set, "KodCode/Golden_1_I");
    assert_null(p->entry_point);
    const json_t *modules = json_object_get(p->suite, "modules");
    assert_string_equal(json_string_value(json_array_get(modules, 0)), "solution");
    assert_string_equal(find(&set, "KodCode/Golden_2_C")->entry_point, "tail");
    problems_free(&set);
    set = read_good("autoeval");
    p = find(&set, "102");
    modules = json_object_get(p->suite, "modules");
    assert_string_equal(json_string_value(json_array_get(modules, 0)), "double_up");
    assert_non_null(strstr(suite_text(p, "tests"), "class DoubleTest"));
    p = find(&set, "101"); /* its solution stands between fences */
    assert_int_equal(strncmp(suite_text(p, "reference"), "def vowels", 10), 0);
    p = find(&set, "golden/3");
    assert_null(suite_text(p, "framework"));
    assert_non_null(strstr(suite_text(p, "reference"), "List[int]"));
    problems_free(&set);
}

static void statements(void **state)
{
    (void)state;
    struct problem_set set = read_good("acecode");
    const struct problem *p = find(&set, "AceCode/golden_1");
    assert_non_null(strstr(suite_text(p, "tests"), "assert initials('') == ''\n"));
    problems_free(&set);
    set = read_good("open_instruct");
    assert_int_equal(set.n, 2);
    assert_string_equal(set.v[0].prompt, "Write a function clamp(x, low, high).");
    assert_int_equal(strncmp(set.v[0].id, "AceCode/", 8), 0);
    assert_int_equal(strncmp(suite_text(&set.v[0], "reference"), "def clamp", 9), 0);
    assert_string_equal(find(&set, "AceCode/7")->prompt,
                        "Write a function last(xs) that returns the last element, None for an "
                        "empty list.");
    problems_free(&set);
}

#define EVALPLUS                                                                                   \
    "{\"task_id\":\"a\",\"prompt\":\"\",\"entry_point\":\"f\",\"canonical_solution\":\"\","

static void bad_rows(void **state)
{
    (void)state;
    expect_bad(EVALPLUS "\"base_input\":3}", "`base_input` must be a list of argument lists");
    expect_bad(EVALPLUS "\"base_input\":[[1],2]}", "`base_input[1]` must be a list of arguments");
    expect_bad(EVALPLUS "\"base_input\":[]}", "`base_input` is empty");
    expect_bad(EVALPLUS "\"base_input\":[[]],\"plus_input\":\"x\"}", "`plus_input` must be a list");
    expect_bad(EVALPLUS "\"base_input\":[[]],\"atol\":-1}", "`atol` must be a number");
    expect_bad(EVALPLUS "\"base_input\":[[]],\"contract\":5}", "`contract` must be a string");
    expect_bad(
        "{\"task_id\":\"a\",\"prompt\":1,\"starter_code\":\"\",\"entry_point\":\"f\",\"test\":"
        "\"\"}",
        "`prompt` must be a string");
    expect_bad("{\"question\":\"a\",\"solution\":\"b\",\"test\":[]}", "`test` must be a string");
    expect_bad("{\"id\":1,\"question\":\"a\",\"test_cases\":[\"assert 1\", 2]}",
               "`test_cases[1]` must be a Python statement");
    expect_bad("{\"id\":1,\"content\":\"a\",\"test\":{\"asset\":{\"answer.json\":\"e30=\"}}}",
               "`test.code` is missing");
    expect_bad(
        "{\"id\":1,\"content\":\"a\",\"test\":{\"code\":\"x\",\"asset\":{\"a.csv\":\"e30=\"}}}",
        "files beside the tests (a.csv, ...)");
    expect_bad(
        "{\"id\":1,\"content\":\"a\",\"test\":{\"code\":\"#<INSERT>\",\"asset\":{\"a_test.py\":"
        "\"?\"}}}",
        "`test.asset.a_test.py` is not the base64 of a text");
    expect_bad("{\"id\":1,\"content\":\"a\",\"test\":\"assert f() \",\"labels\":\"{\\\"programming_"
               "language\\\":\\\"cpp\\\"}\"}",
               "`labels.programming_language` is cpp: only Python");
    expect_bad("{\"id\":\"s\",\"code\":\"def f(x): return x\",\"input\":\"1\",\"output\":\"1\"}",
               "asks for a prediction of an output");
    expect_bad("{\"question\":\"How many?\",\"answer\":\"#### 3\"}", "no test of a program");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evalplus),     cmocka_unit_test(class_methods),
        cmocka_unit_test(test_modules), cmocka_unit_test(statements),
        cmocka_unit_test(bad_rows),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
