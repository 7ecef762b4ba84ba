/* unreadable.c: sets that people have at hand and that no program can be graded by. Saying so
 * beats "unknown key". */
#include "readers.h"

static const struct {
    const char *keys[3], *why;
} sets[] = {
    {{"code", "input", "output"},
     "a CRUXEval row asks for a prediction of an output, not for a program"},
    {{"question", "answer", NULL}, "a row of question and answer holds no test of a program"},
};

static const char *why_not(const json_t *object)
{
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        size_t n = sets[i].keys[2] ? 3 : 2;
        if (prb_has(object, sets[i].keys, n) && !json_object_get(object, "test") &&
            !json_object_get(object, "tests"))
            return sets[i].why;
    }
    return NULL;
}

bool prb_is_unreadable(const json_t *object)
{
    return why_not(object) != NULL;
}

int prb_read_unreadable(const json_t *object, const struct where *w, struct problem *ret,
                        struct err *err)
{
    (void)ret;
    return keys_fail(w, object, NULL, err, "%s", why_not(object));
}
