/* Checkers: what each forgives and what it does not, and what hostile output does to them. */
#include <Python.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sandbox/interpreter.h"
#include "verifier/judge_checker.h"
#include "verifier/judge_proxy.h"

static struct judge_checker checker_of(const char *json)
{
    struct judge_checker c;
    struct err err = {0};
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    if (judge_checker_read(&c, value, &err) != 0)
        fail_msg("%s", err.text);
    json_decref(value);
    return c;
}

/* 1, 0, or -1 with the Python error cleared. */
static double score_of(const struct judge_checker *c, struct str got, struct str expected,
                       struct buf *message)
{
    struct judge_output o = {.input = STR("3\n"), .got = got, .expected = expected};
    double score = -1;
    int rc = judge_check_output(c, &o, &score, message);
    assert_int_equal(rc < 0, PyErr_Occurred() != NULL);
    PyErr_Clear();
    return rc < 0 ? -1 : score;
}

static double check(const char *json, const char *got, const char *expected)
{
    struct judge_checker c = checker_of(json);
    struct buf message = {0};
    double score = score_of(&c, str_of(got), str_of(expected), &message);
    buf_free(&message);
    judge_checker_free(&c);
    return score;
}

struct row {
    const char *got, *expected;
    int lines, exact, tokens, unordered, numbers; /* numbers: {"float": 1e-6} */
};

static const struct row rows[] = {
    {"a b\nc\n", "a b\nc\n", 1, 1, 1, 1, 1},
    /* White space at the very end is nothing to anybody. */
    {"a b\nc", "a b\nc\n", 1, 1, 1, 1, 1},
    {"a b\nc \n\n \n", "a b\nc\n", 1, 1, 1, 1, 1},
    {"a b\nc\n", "a b\nc\n\n\n", 1, 1, 1, 1, 1},
    /* At the ends of lines it is to `exact`. */
    {"a b \nc\n", "a b\nc\n", 1, 0, 1, 1, 1},
    {"a b\r\nc\r\n", "a b\nc\n", 1, 0, 1, 1, 1},
    {"a b\t\nc", "a b\nc", 1, 0, 1, 1, 1},
    {"a b\nc", "a b  \nc", 1, 0, 1, 1, 1},
    /* Elsewhere it matters to all that look at lines. */
    {"a  b\nc", "a b\nc", 0, 0, 1, 0, 1},
    {" a b\nc", "a b\nc", 0, 0, 1, 0, 1},
    {"a\nb\nc", "a b c", 0, 0, 1, 0, 1},
    {"a\n\nb", "a\nb", 0, 0, 1, 0, 1},
    {"\na", "a", 0, 0, 1, 0, 1},
    {"a\vb", "a b", 0, 0, 1, 0, 1},
    /* Nothing is right where nothing is expected, and nowhere else. */
    {"", "", 1, 1, 1, 1, 1},
    {" \n\n", "", 1, 1, 1, 1, 1},
    {"x", "", 0, 0, 0, 0, 0},
    {"", "x", 0, 0, 0, 0, 0},
    {"\n", "x\n", 0, 0, 0, 0, 0},
    /* The first line alone, all but the last, one too many. */
    {"1\n", "1\n2\n3\n", 0, 0, 0, 0, 0},
    {"1\n2\n", "1\n2\n3\n", 0, 0, 0, 0, 0},
    {"1\n2\n3\n4\n", "1\n2\n3\n", 0, 0, 0, 0, 0},
    {"1 2", "1 2 3", 0, 0, 0, 0, 0},
    {"1 2 3 4", "1 2 3", 0, 0, 0, 0, 0},
    /* Other orders, and other counts of the same lines. */
    {"b\na\nc\n", "a\nb\nc\n", 0, 0, 0, 1, 0},
    {"a\na\nb\n", "a\nb\nb\n", 0, 0, 0, 0, 0},
    {"a\nb\n", "a\nb\nb\n", 0, 0, 0, 0, 0},
    {"b a", "a b", 0, 0, 0, 0, 0},
    {"2\n1\n", "1\n2\n", 0, 0, 0, 1, 0},
    /* Case. */
    {"YES", "yes", 0, 0, 0, 0, 0},
    /* Numbers. */
    {"1.0", "1", 0, 0, 0, 0, 1},
    {"0.3333333", "0.33333333333", 0, 0, 0, 0, 1},
    {"0.334", "0.333", 0, 0, 0, 0, 0},
    {"1e3", "1000", 0, 0, 0, 0, 1},
    {"+5", "5", 0, 0, 0, 0, 1},
    {"007", "7", 0, 0, 0, 0, 1},
    {"-0", "0", 0, 0, 0, 0, 1},
    {".5", "0.5", 0, 0, 0, 0, 1},
    {"5.", "5", 0, 0, 0, 0, 1},
    {"-1", "1", 0, 0, 0, 0, 0},
    {"1,5", "1.5", 0, 0, 0, 0, 0},
    {"x 2.0000001", "x 2", 0, 0, 0, 0, 1},
    {"1e9", "1000000000.5", 0, 0, 0, 0, 1},
    {"1000000001", "1000000000", 0, 0, 0, 0, 1},
    /* What only looks like a number, or like all of them. */
    {"nan", "1", 0, 0, 0, 0, 0},
    {"nan", "0", 0, 0, 0, 0, 0},
    {"inf", "1e308", 0, 0, 0, 0, 0},
    {"inf", "1e400", 0, 0, 0, 0, 0},
    {"1e999", "1e308", 0, 0, 0, 0, 0},
    {"1e999", "inf", 0, 0, 0, 0, 0},
    {"Infinity", "inf", 0, 0, 0, 0, 0},
    {"nan", "nan", 1, 1, 1, 1, 1},
    {"0x10", "16", 0, 0, 0, 0, 0},
    {"1_000", "1000", 0, 0, 0, 0, 0},
    {"1e", "1", 0, 0, 0, 0, 0},
    {"--1", "1", 0, 0, 0, 0, 0},
    {"1d0", "1", 0, 0, 0, 0, 0},
    {"1+0j", "1", 0, 0, 0, 0, 0},
    {"\xd9\xa1", "1", 0, 0, 0, 0, 0},      /* an Arabic one */
    {"\xef\xbc\x91", "1", 0, 0, 0, 0, 0},  /* a fullwidth one */
    {"1\xc2\xa0", "1", 0, 0, 0, 0, 0},     /* a no-break space is no white space */
    {"a\xe2\x80\xa8", "a", 0, 0, 0, 0, 0}, /* nor is a line separator */
    {"\xef\xbb\xbf"
     "1",
     "1", 0, 0, 0, 0, 0}, /* nor a byte order mark */
    {"\xff\xfe", "\xff", 0, 0, 0, 0, 0},
};

static void what_is_forgiven(void **state)
{
    static const char *const kinds[] = {"\"lines\"", "\"exact\"", "\"tokens\"",
                                        "\"unordered-lines\"", "{\"float\": 1e-6}"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *r = &rows[i];
        const int wanted[] = {r->lines, r->exact, r->tokens, r->unordered, r->numbers};
        for (size_t k = 0; k < COUNT_OF(kinds); k++)
            if (check(kinds[k], r->got, r->expected) != wanted[k])
                fail_msg("%s: `%s` for `%s` is not %d", kinds[k], r->got, r->expected, wanted[k]);
    }
    assert_true(check("null", "a \nb", "a\nb") == 1 && check("null", "a  b", "a b") == 0);
}

static void options(void **state)
{
    (void)state;
    static const char *const folded[] = {
        "{\"lines\": {\"ignore_case\": true}}", "{\"exact\": {\"ignore_case\": true}}",
        "{\"tokens\": {\"ignore_case\": true}}", "{\"unordered-lines\": {\"ignore_case\": true}}",
        "{\"float\": {\"absolute\": 0.1, \"ignore_case\": true}}"};
    for (size_t i = 0; i < COUNT_OF(folded); i++) {
        assert_true(check(folded[i], "yEs\nNo", "YES\nno") == 1);
        assert_true(check(folded[i], "yEs\nNo", "YES\nnot") == 0);
        assert_true(check(folded[i], "@", "`") == 0);               /* not letters */
        assert_true(check(folded[i], "\xc3\x84", "\xc3\xa4") == 0); /* not ASCII */
    }
    static const char absolute[] = "{\"float\": {\"absolute\": 0.01}}",
                      relative[] = "{\"float\": {\"relative\": 0.01}}",
                      whole[] = "{\"float\": {\"absolute\": 0.01, \"relative\": 0.01, "
                                "\"integers\": \"exact\"}}";
    assert_true(check(absolute, "0.009", "0") == 1 && check(relative, "0.009", "0") == 0);
    assert_true(check(absolute, "1001.0", "1000.0") == 0 && check(relative, "1001", "1000") == 1);
    assert_true(check(whole, "1001", "1000") == 0 && check(whole, "1001.0", "1000") == 1);
    assert_true(check(whole, "+00012", "12") == 1 && check(whole, "-12", "12") == 0);
    assert_true(check(whole, "123456789012345678901234567891", "123456789012345678901234567890") ==
                0);
    assert_true(check("{\"float\": 0}", "1.50", "1.5") == 1);
    assert_true(check("{\"float\": 0}", "1.5000001", "1.5") == 0);
}

/* Output of some megabytes, of every awkward kind, against every checker, in bounded time. */
static void size_is_no_trick(void **state)
{
    static const char *const kinds[] = {
        "\"lines\"",         "\"exact\"",
        "\"tokens\"",        "\"unordered-lines\"",
        "{\"float\": 1e-6}", "{\"float\": {\"relative\": 0.5, \"ignore_case\": true}}"};
    static const char fillings[] = {'9', ' ', '\n', '\0', '\xff', '-', 'e', '.', '0'};
    enum { N = 2 << 20 };
    char *text = xcalloc(N, 1);
    (void)state;
    int64_t from = cpu_ns();
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (size_t f = 0; f < COUNT_OF(fillings); f++) {
            struct judge_checker c = checker_of(kinds[k]);
            struct buf message = {0};
            bool blank = fillings[f] == ' ' || fillings[f] == '\n';
            memset(text, fillings[f], N);
            assert_true(score_of(&c, str_make(text, N), STR("9.5"), &message) == 0);
            assert_true(score_of(&c, str_make(text, N), STR(""), &message) == blank);
            assert_true(score_of(&c, str_make(text, N), str_make(text, N), &message) == 1);
            assert_true(score_of(&c, str_make(text, N), str_make(text, N - 1), &message) == blank);
            judge_checker_free(&c);
            buf_free(&message);
        }
    assert_true(cpu_ns() - from < 20ll * NS_PER_S);
    free(text);
    /* A number of many digits is still one up to a point. */
    char long_pi[1500] = "3.14159265358979";
    memset(long_pi + 16, '1', sizeof long_pi - 17);
    assert_true(check("{\"float\": 1e-6}", long_pi, "3.14159265358979") == 1);
}

/* Takes the checker. `said`: room for the message, or NULL. */
static double score_with(json_t *json, const char *got, const char *expected, char said[200])
{
    char *text = json_dumps(json, 0);
    struct judge_checker c = checker_of(text);
    struct buf message = {0};
    double score = score_of(&c, str_of(got), str_of(expected), &message);
    if (said)
        snprintf(said, 200, "%s", buf_view(&message).s);
    buf_free(&message);
    judge_checker_free(&c);
    free(text);
    json_decref(json);
    return score;
}

static double python(const char *source, const char *got, const char *expected, char said[200])
{
    return score_with(json_pack("{s:s}", "python", source), got, expected, said);
}

static void python_checkers(void **state)
{
#define DEF "def check(stdin, got, expected):\n    "
    char said[200];
    (void)state;
    assert_true(python(DEF "return got.split() == expected.split()", "1 2", "1\n2", NULL) == 1);
    assert_true(python(DEF "return got.split() == expected.split()", "1 2", "1\n3", NULL) == 0);
    assert_true(python(DEF "return got == stdin", "3\n", "", NULL) == 1);
    assert_true(python(DEF "return 0.25", "", "", NULL) == 0.25);
    assert_true(python(DEF "return 1", "", "", NULL) == 1);
    assert_true(python(DEF "if got == expected: return True", "a", "b", NULL) == 0);
    assert_true(python(DEF "return False, 'line 2: \\ud800'", "a", "b", said) == 0);
    assert_string_equal(said, "line 2: \\ud800");
    assert_true(python(DEF "return 0.5, None", "a", "b", NULL) == 0.5);
    /* Neither truth nor a score. */
    static const char *const bad[] = {"return 'yes'",
                                      "return [1]",
                                      "return 2",
                                      "return -0.1",
                                      "return float('nan')",
                                      "return float('inf')",
                                      "return 1+0j",
                                      "return 10**400",
                                      "return True, 3",
                                      "return object()",
                                      "raise ValueError(got)",
                                      "return (True,)",
                                      "import nowhere",
                                      "raise SystemExit(0)"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char source[200];
        snprintf(source, sizeof source, DEF "%s", bad[i]);
        if (python(source, "1", "1", NULL) != -1)
            fail_msg("%s", bad[i]);
    }
    assert_true(python("x = 1", "1", "1", NULL) == -1);
    /* Each answer is checked from scratch. */
    static const char counts[] = "seen = []\n" DEF "seen.append(got)\n    return len(seen) == 1";
    assert_true(python(counts, "", "", NULL) == 1 && python(counts, "", "", NULL) == 1);
    /* Bytes that are no text arrive all the same. */
    assert_true(python(DEF "return got == '\\udcff\\x00'", "\xff", "", NULL) == 0);
    assert_true(python(DEF "return got.encode('utf-8', 'surrogateescape') == b'\\xff1'",
                       "\xff"
                       "1",
                       "", NULL) == 1);
}

static double program(const char *protocol, const char *source, const char *got,
                      const char *expected, char said[200])
{
    return score_with(json_pack("{s:s, s:s, s:[s, s]}", "program", source, "protocol", protocol,
                                "flags", "one", "two"),
                      got, expected, said);
}

static void programs_with_files(void **state)
{
    char said[200];
    static const char sums[] =
        "import sys\nfrom pathlib import Path\n"
        "n = int(open(sys.argv[1]).read())\nwant = Path(sys.argv[2]).read_text()\n"
        "with open(sys.argv[3], 'rb') as f: got = f.read().decode()\n"
        "print('checked')\nprint(float(sum(map(int, got.split())) == n and want == 'w'))\n";
    (void)state;
    assert_true(program("files", sums, "1 2", "w", said) == 1);
    assert_true(program("files", sums, "1 3", "w", NULL) == 0);
    assert_true(program("files", sums, "1 2", "v", NULL) == 0);
    assert_true(program("files", sums, "x", "w", NULL) == -1);
    assert_true(program("files", "print(0.5)", "", "", NULL) == 0.5);
    assert_true(program("files", "print('so', 'be', 'it', 1)", "", "", NULL) == 1);
    assert_true(program("files", "import sys\nprint(1)\nsys.exit(0)", "", "", NULL) == 1);
    assert_true(program("files", "import sys\nprint(1)\nsys.exit(3)", "", "", NULL) == -1);
    static const char *const bad[] = {
        "",    "print('yes')",        "print(2)",         "print('nan')",
        "1/0", "open('/etc/passwd')", "open('input.tx')", "import sys\nsys.exit('bad')"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (program("files", bad[i], "", "", NULL) != -1)
            fail_msg("%s", bad[i]);
    /* Nothing of it stays behind. */
    assert_true(program("files", "import builtins\nbuiltins.open.x = 1\nprint(1)", "", "", NULL) ==
                1);
    assert_true(PyRun_SimpleString("import sys, io\nassert not hasattr(open, 'x')\n"
                                   "assert io.open is open and sys.argv != ['checker.py']\n") == 0);
}

static void kattis_validators(void **state)
{
    char said[200];
    static const char validator[] =
        "import os, sys\nassert sys.argv[4:] == ['one', 'two']\n"
        "n, want = open(sys.argv[1]).read(), open(sys.argv[2]).read()\n"
        "with open(os.path.join(sys.argv[3], 'judgemessage.txt'), 'w') as f: f.write('n is ' + n)\n"
        "with open(sys.argv[3] + '/score.txt', 'a') as f: f.write('1')\n"
        "sys.exit(42 if sys.stdin.read() == want else 43)\n";
    (void)state;
    assert_true(program("kattis", validator, "a", "a", said) == 1);
    assert_string_equal(said, "n is 3\n");
    assert_true(program("kattis", validator, "b", "a", NULL) == 0);
    static const char *const bad[] = {
        "",    "import sys\nsys.exit(1)",    "import sys\nsys.exit('42')",
        "1/0", "import sys\nsys.exit(None)", "print(42)"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (program("kattis", bad[i], "", "", NULL) != -1)
            fail_msg("%s", bad[i]);
}

static void unreadable_checkers(void **state)
{
    static const char *const bad[] = {"\"lazy\"", "{\"python\": \"def check(:\"}",
                                      "{\"tokenz\": {}}", "3", "\"float\""};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct judge_checker c;
        struct err err = {0};
        json_t *value = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        assert_int_equal(judge_checker_read(&c, value, &err), -EINVAL);
        assert_non_null(strstr(err.text, "checker: "));
        judge_checker_free(&c);
        json_decref(value);
    }
}

static int start(void **state)
{
    struct err err;
    struct interpreter_options none = {0};
    (void)state;
    return interpreter_start(&none, &err) == 0 && judge_proxy_init() == 0 ? 0 : -1;
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_forgiven),    cmocka_unit_test(options),
        cmocka_unit_test(size_is_no_trick),    cmocka_unit_test(python_checkers),
        cmocka_unit_test(programs_with_files), cmocka_unit_test(kattis_validators),
        cmocka_unit_test(unreadable_checkers),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
