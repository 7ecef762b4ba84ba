/* humaneval.c: HumanEval's JSON lines: {task_id, prompt, entry_point, canonical_solution, test}.
 *
 * The prompt is a file that breaks off inside the entry point: what a `completion` continues.
 * The lines before the entry point (imports, helpers that the tests may call too) are the
 * starter, so that an answer which repeats only the function still has them. `test` defines
 * check(candidate). EvoEval, and HumanEval+ in its original form, whose tests import numpy, are
 * the same. */
#include "readers.h"

static const char *const needed[] = {"task_id", "prompt", "entry_point", "canonical_solution",
                                     "test"};

bool prb_is_humaneval(const json_t *object)
{
    return prb_has(object, needed, COUNT_OF(needed));
}

int prb_read_humaneval(const json_t *object, const struct where *w, struct problem *ret,
                       struct err *err)
{
    TRY(prb_need_texts(object, needed, COUNT_OF(needed), w, err));
    const char *prompt = prb_text(object, "prompt", "");
    ret->id = check_alloc(strdup(prb_text(object, "task_id", "")));
    prb_continue(ret, prompt, prb_text(object, "entry_point", ""));
    ret->limits = LIMITS_DEFAULT;
    json_t *reference = json_sprintf("%s%s", prompt, prb_text(object, "canonical_solution", ""));
    prb_finish(
        ret, &(struct prb_tests){.tests = json_object_get(object, "test"), .reference = reference});
    json_decref(reference);
    return 0;
}
