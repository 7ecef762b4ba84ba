/* pass@k against its definition, tallies, and what --k takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "verifier/report.h"

static double choose(long n, long k)
{
    double v = 1;
    for (long i = 0; i < k; i++)
        v *= (double)(n - i) / (double)(i + 1);
    return n < k ? 0 : v;
}

static void test_pass_at_k(void **state)
{
    (void)state;
    for (long n = 1; n <= 12; n++)
        for (long c = 0; c <= n; c++)
            for (long k = 1; k <= n; k++)
                assert_true(fabs(pass_at_k(n, c, k) - (1 - choose(n - c, k) / choose(n, k))) <
                            1e-12);
    assert_true(pass_at_k(200, 0, 100) == 0);
    assert_true(pass_at_k(200, 200, 100) == 1);
}

static json_t *verdict(const char *id, const char *grade, const char *reason)
{
    return json_pack("{s:s, s:s?, s:s?, s:s?, s:b}", "task_id", id, "grade", grade, "reason",
                     reason, "infra", grade ? NULL : "judge died", "cached", 0);
}

static void add(struct report *r, const char *id, const char *grade, const char *reason)
{
    json_t *v = verdict(id, grade, reason);
    report_add(r, v);
    json_decref(v);
}

static void test_summary(void **state)
{
    (void)state;
    struct report r;
    struct err err;
    char *text = NULL;
    size_t size;
    assert_int_equal(report_init(&r, "1,2", 6, &err), 0);
    add(&r, "a", "correct", NULL);
    add(&r, "a", "fails-tests", "wrong-answer");
    add(&r, "b", "faster", NULL);
    add(&r, "b", NULL, NULL); /* infra counts neither for nor against the model */
    add(&r, "c", "not-code", "prose");
    add(&r, "c", "wrong-language", "other-language");
    assert_int_equal(r.tally.n, 6);
    assert_int_equal(r.tally.infra, 1);
    assert_int_equal(r.tally.grades[GRADE_FASTER], 1);
    assert_int_equal(r.tally.reasons[REASON_WRONG_ANSWER], 1);
    FILE *out = open_memstream(&text, &size);
    report_summary(&r, out);
    fclose(out);
    assert_non_null(strstr(text, "pass@1           0.5000   over 3 problems"));
    assert_non_null(strstr(text, "pass@2           0.5000   over 2 problems"));
    assert_non_null(strstr(text, "wrong-answer 1"));
    assert_non_null(strstr(text, "infra"));
    free(text);
    report_free(&r);
}

static void add_grouped(struct report *r, const char *id, const char *grade, int base, int plus)
{
    json_t *v = verdict(id, grade, NULL);
    json_object_set_new(v, "tests",
                        json_pack("{s:{s:{s:i, s:i}, s:{s:i, s:i}}}", "groups", "base", "passed",
                                  base, "total", 3, "plus", "passed", plus, "total", 5));
    report_add(r, v);
    json_decref(v);
}

/* Each group has a pass rate of its own; a program that never ran passes none. */
static void test_groups(void **state)
{
    (void)state;
    struct report r;
    struct err err;
    char *text = NULL;
    size_t size;
    assert_int_equal(report_init(&r, "1", 4, &err), 0);
    add_grouped(&r, "a", "correct", 3, 5);
    add_grouped(&r, "b", "fails-tests", 3, 4);
    add_grouped(&r, "c", "fails-tests", 2, 5);
    add(&r, "d", "not-code", "prose");
    FILE *out = open_memstream(&text, &size);
    report_summary(&r, out);
    fclose(out);
    assert_non_null(
        strstr(text, "pass@1           0.2500   over 4 problems with that many verdicts\n"));
    assert_non_null(
        strstr(text, "0.5000   over 4 problems with that many verdicts, tests of base"));
    assert_non_null(
        strstr(text, "0.5000   over 4 problems with that many verdicts, tests of plus"));
    free(text);
    report_free(&r);
}

static void test_bad_k(void **state)
{
    (void)state;
    struct report r;
    struct err err;
    const char *const bad[] = {"0", "x", "1,,2", "1;2", "-3", "1,2x", "99999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(report_init(&r, bad[i], 0, &err), -EINVAL);
        assert_non_null(strstr(err.text, bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pass_at_k),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_bad_k),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
