/* kodcode.c: KodCode's rows: {question_id, question, solution, test, style, ...}. `test` is a
 * pytest module that imports the program as `solution`. */
#include "readers.h"

static const char *const needed[] = {"question", "solution", "test"};

bool prb_is_kodcode(const json_t *object)
{
    return prb_has(object, needed, COUNT_OF(needed));
}

/* What the row says of the tested function, where it says it. */
static const char *function_name(const json_t *object)
{
    const json_t *info = json_object_get(object, "test_info");
    const char *name = prb_text(json_array_get(info, 0), "function_name", NULL);
    return json_array_size(info) == 1 && name && *name ? name : NULL;
}

int prb_read_kodcode(const json_t *object, const struct where *w, struct problem *ret,
                     struct err *err)
{
    static const char *const ids[] = {"question_id", "id", "task_id"};
    TRY(prb_need_texts(object, needed, COUNT_OF(needed), w, err));
    const char *entry = function_name(object);
    ret->id = prb_foreign_id(object, ids, COUNT_OF(ids), "KodCode/");
    ret->prompt = check_alloc(strdup(prb_text(object, "question", "")));
    ret->entry_point = entry ? check_alloc(strdup(entry)) : NULL;
    ret->starter = check_alloc(strdup(""));
    ret->limits = LIMITS_DEFAULT;
    ret->limits.cpu_s = 5;
    ret->limits.wall_s = 15;
    json_t *modules = json_pack("[s]", "solution");
    prb_finish(ret, &(struct prb_tests){.tests = json_object_get(object, "test"),
                                        .framework = "pytest",
                                        .modules = modules,
                                        .reference = json_object_get(object, "solution")});
    json_decref(modules);
    return 0;
}
