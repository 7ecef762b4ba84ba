/* openr1.c: open-r1's and PrimeIntellect's verifiable-coding problems: {problem_id, problem or
 * prompt, gold_standard_solution, verification_info, ...}.
 *
 * `verification_info` is {language, test_cases: [{input, output, type, fn_name?}]}, or JSON text
 * of it. The gold standard may stand in a fence. */
#include "stdio.h"

bool prb_is_openr1(const json_t *object)
{
    return json_object_get(object, "verification_info") &&
           (json_object_get(object, "prompt") || json_object_get(object, "problem"));
}

static int read_tests(struct prb_build *b)
{
    static const char key[] = "verification_info";
    json_t *info = prb_build_value(b, key);
    if (!info)
        return -EINVAL;
    const char *language = prb_text(info, "language", NULL), *name = prb_text(info, "fn_name", "");
    int rc = prb_is_python(language)
                 ? 0
                 : prb_build_fail(b, key, "`%s`: tests of %.40s programs cannot be run here", key,
                                  language);
    if (rc == 0 && *name)
        rc = prb_build_function(b, name, key);
    if (rc == 0)
        rc = prb_build_rows(b, json_object_get(info, "test_cases"), key, NULL);
    json_decref(info);
    return rc;
}

static int read_all(struct prb_build *b)
{
    static const char *const ids[] = {"problem_id", "id", "task_id"};
    const char *prompt =
        json_is_string(json_object_get(b->object, "problem")) ? "problem" : "prompt";
    const char *gold = prb_text(b->object, "gold_standard_solution", "");
    TRY(prb_build_prompt(b, &prompt, 1));
    TRY(read_tests(b));
    b->p->id = prb_foreign_id(b->object, ids, COUNT_OF(ids), "");
    if (*gold)
        b->reference = prb_unfence(gold);
    return 0;
}

int prb_read_openr1(const json_t *object, const struct where *w, struct problem *ret,
                    struct err *err)
{
    struct prb_build b;
    prb_build_begin(&b, object, w, ret, err);
    return prb_build_end(&b, read_all(&b));
}
