/* bigcodebench.c: BigCodeBench's JSON lines: {task_id, complete_prompt, instruct_prompt,
 * code_prompt, canonical_solution, entry_point, test, libs, ...}. `test` is a module of unittest
 * cases. */
#include "readers.h"

static const char *const needed[] = {"task_id", "complete_prompt", "canonical_solution",
                                     "entry_point", "test"};

bool prb_is_bigcodebench(const json_t *object)
{
    return prb_has(object, needed, COUNT_OF(needed));
}

int prb_read_bigcodebench(const json_t *object, const struct where *w, struct problem *ret,
                          struct err *err)
{
    TRY(prb_need_texts(object, needed, COUNT_OF(needed), w, err));
    const char *prompt = prb_text(object, "complete_prompt", "");
    ret->id = check_alloc(strdup(prb_text(object, "task_id", "")));
    prb_continue(ret, prompt, prb_text(object, "entry_point", ""));
    ret->limits = LIMITS_DEFAULT;
    ret->limits.cpu_s = 10;
    ret->limits.wall_s = 30;
    ret->limits.memory_mib = 1024; /* its own harness allows 30 GiB */
    json_t *derive = json_pack("{s:i}", "times", 4);
    json_t *reference = json_sprintf("%s%s", prompt, prb_text(object, "canonical_solution", ""));
    prb_finish(ret, &(struct prb_tests){.tests = json_object_get(object, "test"),
                                        .framework = "pytest",
                                        .derive = derive,
                                        .reference = reference});
    json_decref(derive);
    json_decref(reference);
    return 0;
}
