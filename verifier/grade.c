/* grade.c: which of the five grades, decided from the linter's language and the judge's counts alone.
 *
 *   empty, prose, data            not-code
 *   any language but Python 3     wrong-language
 *   Python, every test passed     correct, or faster when the speed-up's low end clears the margin
 *   Python otherwise              fails-tests
 *
 * `infra` anywhere means no grade and no reward: our fault is never a verdict on the program. */
#include "verifier/grade.h"

#include <string.h>

#include "base/check.h"
#include "verifier/samples.h"
#include "verifier/timing.h"

static const char *const grade_names[] = GRADE_NAMES;
static const char *const reason_names[] = REASON_NAMES;

static const char *text_of(const json_t *object, const char *key, const char *fallback)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : fallback;
}

static int int_of(const json_t *object, const char *key)
{
    return (int)json_integer_value(json_object_get(object, key));
}

static bool is_not_code(const char *language)
{
    return !strcmp(language, "prose") || !strcmp(language, "data") || !strcmp(language, "empty");
}

bool grade_needs_judge(const json_t *lint_result)
{
    return strcmp(text_of(lint_result, "language", ""), "python") == 0;
}

int grade_of(const json_t *verdict)
{
    const char *name = text_of(verdict, "grade", "");
    for (int g = 0; g < GRADE_COUNT; g++)
        if (strcmp(name, grade_names[g]) == 0)
            return g;
    return -1;
}

static enum reason reason_of(const char *name)
{
    for (int r = 1; r < REASON_COUNT; r++)
        if (strcmp(reason_names[r], name) == 0)
            return (enum reason)r;
    return REASON_NONE;
}

static const char *infra_of(const json_t *lint, const json_t *judged)
{
    const char *infra = text_of(judged, "infra", text_of(lint, "infra", NULL));
    if (infra)
        return infra;
    if (!lint)
        return "no word from the linter";
    return grade_needs_judge(lint) && !judged ? "no word from the judge" : NULL;
}

static double low_of(const json_t *judged)
{
    const json_t *speedup = json_object_get(json_object_get(judged, "time"), "speedup");
    return json_number_value(json_object_get(speedup, "low"));
}

/* 0 where the problem has no sizes. */
static double gain_of(const json_t *judged)
{
    const json_t *time = json_object_get(judged, "time");
    return json_number_value(json_object_get(json_object_get(time, "complexity"), "gain"));
}

static double margin_of(const struct problem *p)
{
    const json_t *margin = json_object_get(json_object_get(p->suite, "timing"), "margin");
    return margin ? json_number_value(margin) : TIMING_MARGIN_DEFAULT;
}

static enum grade decide(const struct problem *p, const json_t *lint, const json_t *judged,
                         enum reason *ret_reason)
{
    const char *language = text_of(lint, "language", "");
    if (is_not_code(language)) {
        *ret_reason = strcmp(language, "empty") == 0 ? REASON_EMPTY : REASON_PROSE;
        return GRADE_NOT_CODE;
    }
    if (strcmp(language, "python") != 0) {
        *ret_reason = strcmp(language, "python2") == 0 ? REASON_PYTHON2 : REASON_OTHER_LANGUAGE;
        return GRADE_WRONG_LANGUAGE;
    }
    const json_t *tests = json_object_get(judged, "tests");
    int passed = int_of(tests, "passed"), total = int_of(tests, "total");
    *ret_reason = reason_of(text_of(judged, "reason", ""));
    if (*ret_reason == REASON_NONE && total > 0 && passed == total)
        return low_of(judged) >= margin_of(p) ? GRADE_FASTER : GRADE_CORRECT;
    if (*ret_reason == REASON_NONE)
        *ret_reason = REASON_WRONG_ANSWER;
    return GRADE_FAILS_TESTS;
}

/* The linter's remarks, except that CPython, where it compiled the program, has the last word on
 * syntax. */
static json_t *merged_lint(const json_t *lint, const json_t *judged)
{
    json_t *merged = json_array(), *entry;
    size_t i;
    json_array_extend(merged, json_object_get(judged, "lint"));
    json_array_foreach (json_object_get(lint, "diagnostics"), i, entry) {
        if (!judged || strcmp(text_of(entry, "code", ""), "syntax-error") != 0)
            json_array_append(merged, entry);
    }
    return merged;
}

static void put(json_t *verdict, const char *key, const json_t *from, const char *from_key)
{
    json_t *v = json_object_get(from, from_key);
    json_object_set_new(verdict, key, v ? json_incref(v) : json_null());
}

static void put_text(json_t *verdict, const char *key, const char *text)
{
    json_object_set_new(verdict, key, text ? json_string(text) : json_null());
}

/* Partial credit goes by points where the tests are worth any, else by their number. */
static double partial(const json_t *tests, bool of_all)
{
    const json_t *points = json_object_get(tests, "points");
    if (points)
        return json_number_value(json_object_get(points, of_all ? "total" : "earned"));
    return int_of(tests, of_all ? "total" : "passed");
}

/* The item's own keys, such as "id"; the verdict's keys win over an item's of the same name. */
static void carry_through(json_t *verdict, const json_t *item)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)item, key, value) {
        bool skip = json_object_get(verdict, key) != NULL;
        for (int i = 0; i < SAMPLE_KINDS; i++)
            skip = skip || strcmp(key, sample_kinds[i]) == 0;
        if (!skip)
            json_object_set(verdict, key, value);
    }
}

json_t *grade_verdict(const struct problem *p, const json_t *item, int sample,
                      const struct extraction *x, const json_t *lint, const json_t *judged,
                      const struct reward *rw, bool cached)
{
    const char *infra = infra_of(lint, judged);
    enum reason reason = REASON_NONE;
    enum grade grade = infra ? GRADE_COUNT : decide(p, lint, judged, &reason);
    const json_t *tests = json_object_get(judged, "tests");
    json_t *v = json_object();
    put_text(v, "task_id", p->id);
    json_object_set_new(v, "sample", json_integer(sample));
    put_text(v, "grade", infra ? NULL : grade_names[grade]);
    json_object_set_new(
        v, "reward",
        infra ? json_null()
              : json_real(reward_of(rw, grade, partial(tests, false), partial(tests, true),
                                    low_of(judged), gain_of(judged))));
    put_text(v, "reason", reason_names[reason]);
    put_text(v, "infra", infra);
    put(v, "tests", judged, "tests");
    put_text(v, "extraction", x->rule);
    put(v, "language", lint, "language");
    json_object_set_new(v, "lint", merged_lint(lint, judged));
    put(v, "time", judged, "time");
    put(v, "memory_peak_kib", judged, "memory_peak_kib");
    json_t *isolation = json_object_get(judged, "isolation");
    json_object_set_new(v, "isolation", isolation ? json_incref(isolation) : json_array());
    json_object_set_new(v, "cached", json_boolean(cached));
    carry_through(v, item);
    return v;
}
