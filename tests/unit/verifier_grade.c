/* verifier_grade.c: from findings to verdicts, and the reward table. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "verifier/grade.h"

static const struct extraction whole = {.rule = "whole-text"};

static json_t *verdict(const char *lint, const char *judged, const char *item)
{
    struct problem p = {.id = "p/1", .suite = json_pack("{s:{s:f}}", "timing", "margin", 1.25)};
    json_t *l = lint ? json_loads(lint, 0, NULL) : NULL,
           *j = judged ? json_loads(judged, 0, NULL) : NULL;
    json_t *i = json_loads(item ? item : "{}", 0, NULL);
    assert_true((!lint || l) && (!judged || j) && i);
    struct reward rw = REWARD_DEFAULT;
    json_t *v = grade_verdict(&p, i, 3, &whole, l, j, &rw, false);
    json_decref(p.suite);
    json_decref(l);
    json_decref(j);
    json_decref(i);
    return v;
}

#define PYTHON "{\"language\":\"python\",\"parses\":true,\"defines\":[\"f\"],\"diagnostics\":[]}"
#define LANGUAGE(name)                                                                             \
    "{\"language\":\"" name "\",\"parses\":false,\"defines\":[],\"diagnostics\":[]}"
#define JUDGED(reason, passed, total, speedup)                                                     \
    "{\"infra\":null,\"reason\":" reason ",\"tests\":{\"passed\":" #passed ",\"total\":" #total    \
    ",\"failures\":[]},\"time\":{\"cpu_ms\":1,\"wall_ms\":2,\"speedup\":" speedup                  \
    "},\"memory_peak_kib\":9000,"                                                                  \
    "\"isolation\":[\"seccomp\"],\"lint\":[]}"
#define SPEEDUP(low) "{\"ratio\":4,\"low\":" #low ",\"high\":5,\"pairs\":9}"

static void the_five_grades(void **state)
{
    (void)state;
    static const struct {
        const char *lint, *judged, *grade, *reason;
        double reward;
    } rows[] = {
        {LANGUAGE("empty"), NULL, "not-code", "empty", 0},
        {LANGUAGE("prose"), NULL, "not-code", "prose", 0},
        {LANGUAGE("data"), NULL, "not-code", "prose", 0},
        {LANGUAGE("python2"), NULL, "wrong-language", "python2", 0.05},
        {LANGUAGE("rust"), NULL, "wrong-language", "other-language", 0.05},
        {PYTHON, JUDGED("\"syntax-error\"", 0, 8, "null"), "fails-tests", "syntax-error", 0.1},
        {PYTHON, JUDGED("\"wrong-answer\"", 5, 8, "null"), "fails-tests", "wrong-answer", 0.35},
        {PYTHON, JUDGED("\"crashed\"", 8, 8, "null"), "fails-tests", "crashed", 0.5},
        {PYTHON, JUDGED("null", 7, 8, "null"), "fails-tests", "wrong-answer", 0.45},
        {PYTHON, JUDGED("null", 0, 0, "null"), "fails-tests", "wrong-answer", 0.1},
        {PYTHON, JUDGED("null", 8, 8, "null"), "correct", NULL, 1},
        {PYTHON, JUDGED("null", 8, 8, SPEEDUP(1.2)), "correct", NULL, 1},
        {PYTHON, JUDGED("null", 8, 8, SPEEDUP(2.0)), "faster", NULL, 1.25},
        {PYTHON, JUDGED("null", 8, 8, SPEEDUP(64.0)), "faster", NULL, 1.5},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *v = verdict(rows[i].lint, rows[i].judged, NULL);
        assert_string_equal(json_string_value(json_object_get(v, "grade")), rows[i].grade);
        const char *reason = json_string_value(json_object_get(v, "reason"));
        assert_true(reason ? rows[i].reason && !strcmp(reason, rows[i].reason) : !rows[i].reason);
        assert_true(fabs(json_real_value(json_object_get(v, "reward")) - rows[i].reward) < 1e-12);
        assert_true(json_is_null(json_object_get(v, "infra")));
        json_decref(v);
    }
}

static void our_fault_is_no_grade(void **state)
{
    (void)state;
    static const struct {
        const char *lint, *judged, *infra;
    } rows[] = {
        {PYTHON, "{\"infra\":\"judge died\"}", "judge died"},
        {NULL, "{\"infra\":\"lint died\"}", "lint died"},
        {PYTHON, NULL, "no word from the judge"},
        {NULL, NULL, "no word from the linter"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *v = verdict(rows[i].lint, rows[i].judged, NULL);
        assert_true(json_is_null(json_object_get(v, "grade")) &&
                    json_is_null(json_object_get(v, "reward")));
        assert_true(json_is_null(json_object_get(v, "reason")));
        assert_string_equal(json_string_value(json_object_get(v, "infra")), rows[i].infra);
        assert_int_equal(grade_of(v), -1);
        json_decref(v);
    }
}

static void keys_come_in_order_and_extras_last(void **state)
{
    (void)state;
    static const char *const order[] = {"task_id",   "sample", "grade", "reward",
                                        "reason",    "infra",  "tests", "extraction",
                                        "language",  "lint",   "time",  "memory_peak_kib",
                                        "isolation", "cached", "id",    "seed"};
    json_t *v =
        verdict(PYTHON, JUDGED("null", 1, 1, "null"),
                "{\"task_id\":\"p/"
                "1\",\"id\":9,\"response\":\"r\",\"seed\":1,\"language\":\"mine\",\"grade\":0}");
    const char *key;
    json_t *value;
    size_t i = 0;
    json_object_foreach (v, key, value)
        assert_string_equal(key, order[i++]);
    assert_int_equal(i, COUNT_OF(order));
    assert_string_equal(json_string_value(json_object_get(v, "language")), "python");
    assert_int_equal(json_integer_value(json_object_get(v, "sample")), 3);
    assert_int_equal(grade_of(v), GRADE_CORRECT);
    json_decref(v);
}

static void cpython_has_the_last_word_on_syntax(void **state)
{
    (void)state;
    static const char lint[] =
        "{\"language\":\"python\",\"diagnostics\":[{\"line\":1,\"column\":1,\"code\":\"syntax-"
        "error\",\"message\":\"m\"},"
        "{\"line\":2,\"column\":1,\"code\":\"undefined-name\",\"message\":\"n\"}]}";
    json_t *v = verdict(lint, JUDGED("null", 1, 1, "null"), NULL),
           *got = json_object_get(v, "lint");
    assert_int_equal(json_array_size(got), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(got, 0), "code")),
                        "undefined-name");
    json_decref(v);
    assert_true(grade_needs_judge(
        json_object_get(v = json_pack("{s:{s:s}}", "l", "language", "python"), "l")));
    json_decref(v);
    assert_false(grade_needs_judge(NULL));
}

static int load(const char *text, struct reward *ret, struct err *err)
{
    char path[] = "/tmp/assay-reward-XXXXXX";
    close(mkstemp(path));
    assert_int_equal(file_replace(path, str_of(text), NULL), 0);
    int rc = reward_load(path, ret, err);
    unlink(path);
    return rc;
}

static void reward_files(void **state)
{
    (void)state;
    struct reward r = {0};
    struct err err = {0};
    assert_int_equal(load("fails_tests: {scale: 0.2}\ncorrect: 2\nfaster: {max: 1}\n", &r, &err),
                     0);
    assert_true(r.fails_base == 0.1 && r.fails_scale == 0.2 && r.correct == 2);
    assert_true(r.faster_base == 2 && r.faster_scale == 0.25 && r.faster_max == 1);
    assert_true(reward_of(&r, GRADE_FASTER, 1, 1, 4, 0) == 2.5);
    assert_true(reward_of(&r, GRADE_FASTER, 1, 1, 4, 2) == 2.5); /* `growth` is 0 by default */
    assert_int_equal(load("faster: {growth: 0.125}\n", &r, &err), 0);
    assert_true(reward_of(&r, GRADE_FASTER, 1, 1, 2, 1) == 1.375);
    assert_true(reward_of(&r, GRADE_FASTER, 1, 1, 2, 9) == 1.5);
    assert_true(reward_of(&r, GRADE_CORRECT, 1, 1, 2, 1) == 1);
    assert_int_equal(load("correct: 2\n", &r, &err), 0);
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"correct: 0.3\n", "rise with the grade"},
        {"not_code: 0.05\n", "rise with the grade"},
        {"fails_tests: {base: 0.6}\n", "rise with the grade"},
        {"faster: {base: 0.9}\n", "rise with the grade"},
        {"faster: {scale: 0}\n", "rise with the grade"},
        {"faster: {scale: -1}\n", "negative"},
        {"faster: {growth: -1}\n", "negative"},
        {"corect: 1\n", "did you mean `correct`?"},
        {"faster: {bas: 1}\n", "unknown key `faster.bas`"},
        {"correct: yes\n", "must be a number"},
        {"", "one YAML document"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(load(bad[i].text, &r, &err), -EINVAL);
        if (!strstr(err.text, bad[i].part))
            fail_msg("`%s` is not in `%s`", bad[i].part, err.text);
    }
    assert_int_equal(reward_load("/nowhere", &r, &err), -ENOENT);
    assert_true(r.correct == 2);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_five_grades),
        cmocka_unit_test(our_fault_is_no_grade),
        cmocka_unit_test(keys_come_in_order_and_extras_last),
        cmocka_unit_test(cpython_has_the_last_word_on_syntax),
        cmocka_unit_test(reward_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
