/* reward.c: the reward table: its file, its order, and its use. Pure apart from reading the
 * file. */
#include "verifier/reward.h"

#include <math.h>

#include "base/file.h"
#include "base/keys.h"

enum { REWARD_FILE_BYTES_MAX = 1 << 20 };

static const struct key top_keys[] = {
    {"not_code", KEY_NUMBER, false},    {"wrong_language", KEY_NUMBER, false},
    {"fails_tests", KEY_OBJECT, false}, {"correct", KEY_NUMBER, false},
    {"faster", KEY_OBJECT, false},
};
static const struct key fails_keys[] = {
    {"base", KEY_NUMBER, false},
    {"scale", KEY_NUMBER, false},
};
static const struct key faster_keys[] = {
    {"base", KEY_NUMBER, false},
    {"scale", KEY_NUMBER, false},
    {"max", KEY_NUMBER, false},
    {"growth", KEY_NUMBER, false},
};

static void take(const json_t *object, const char *key, double *value)
{
    const json_t *v = json_object_get(object, key);
    if (v)
        *value = json_number_value(v);
}

/* A program that fails one test of very many must stay below a correct one, and one that is
 * faster by the smallest margin above it. */
static int check_order(const struct reward *r, const struct where *w, struct err *err)
{
    if (r->fails_scale < 0 || r->faster_scale < 0 || r->faster_max < 0 || r->faster_growth < 0)
        return keys_fail(w, NULL, NULL, err, "`scale`, `max` and `growth` must not be negative");
    if (!(r->not_code < r->wrong_language && r->wrong_language < r->fails_base &&
          r->fails_base + r->fails_scale < r->correct && r->correct <= r->faster_base &&
          (r->correct < r->faster_base || (r->faster_scale > 0 && r->faster_max > 0))))
        return keys_fail(
            w, NULL, NULL, err,
            "rewards must rise with the grade: not_code < wrong_language < fails_tests "
            "(base, and base + scale) < correct < faster");
    return 0;
}

static int reward_read(const json_t *doc, const struct where *w, struct reward *r, struct err *err)
{
    const json_t *fails = json_object_get(doc, "fails_tests"),
                 *faster = json_object_get(doc, "faster");
    TRY(keys_check(doc, top_keys, COUNT_OF(top_keys), "", w, err));
    if (fails)
        TRY(keys_check(fails, fails_keys, COUNT_OF(fails_keys), "fails_tests.", w, err));
    if (faster)
        TRY(keys_check(faster, faster_keys, COUNT_OF(faster_keys), "faster.", w, err));
    take(doc, "not_code", &r->not_code);
    take(doc, "wrong_language", &r->wrong_language);
    take(doc, "correct", &r->correct);
    r->faster_base = r->correct;
    take(fails, "base", &r->fails_base);
    take(fails, "scale", &r->fails_scale);
    take(faster, "base", &r->faster_base);
    take(faster, "scale", &r->faster_scale);
    take(faster, "max", &r->faster_max);
    take(faster, "growth", &r->faster_growth);
    return check_order(r, w, err);
}

int reward_load(const char *path, struct reward *ret, struct err *err)
{
    struct buf text = {0};
    struct yaml y = {0};
    struct reward r = REWARD_DEFAULT;
    int rc = file_read(path, REWARD_FILE_BYTES_MAX, &text, err);
    if (rc == 0)
        rc = yaml_load(path, buf_view(&text).s, text.len, &y, err);
    if (rc == 0 && json_array_size(y.docs) != 1)
        rc = err_set(err, -EINVAL, "%s: expected one YAML document", path);
    if (rc == 0)
        rc = reward_read(json_array_get(y.docs, 0), &(struct where){.file = path, .yaml = &y}, &r,
                         err);
    yaml_free(&y);
    buf_free(&text);
    if (rc == 0)
        *ret = r;
    return rc;
}

double reward_of(const struct reward *rw, enum grade grade, double passed, double total, double low,
                 double gain)
{
    switch (grade) {
    case GRADE_NOT_CODE:
        return rw->not_code;
    case GRADE_WRONG_LANGUAGE:
        return rw->wrong_language;
    case GRADE_FAILS_TESTS:
        return rw->fails_base + (total > 0 ? rw->fails_scale * passed / total : 0);
    case GRADE_CORRECT:
        return rw->correct;
    case GRADE_FASTER:
        return rw->faster_base + fmin(rw->faster_max, rw->faster_scale * log2(fmax(low, 1)) +
                                                          rw->faster_growth * fmax(gain, 0));
    case GRADE_COUNT:
        break;
    }
    CHECK(!"a grade");
    return 0;
}
