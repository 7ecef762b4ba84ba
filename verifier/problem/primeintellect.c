/* primeintellect.c: sets that keep their tests in one column `tests`, as PrimeIntellect's rows
 * are handed on by trainers: {problem or question or prompt, tests, solutions?, starter_code?}.
 *
 * `tests` is a list of {input, output, type?, fn_name?}, or {inputs, outputs, fn_name?}, or JSON
 * text of either. A native problem's `tests` is Python source and never begins like that. */
#include "stdio.h"

static const char *prompt_key(const json_t *object)
{
    static const char *const keys[] = {"problem", "question", "prompt"};
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (json_is_string(json_object_get(object, keys[i])))
            return keys[i];
    return NULL;
}

/* The tests as a value, if they look like it: a new reference, or NULL. */
static json_t *tests_of(const json_t *object)
{
    json_t *tests = json_object_get(object, "tests");
    const char *text = json_string_value(tests);
    if (!text)
        return json_incref(tests);
    return text[strspn(text, " \t\r\n[")] == '{' ? prb_json_of(tests) : NULL;
}

bool prb_is_primeintellect(const json_t *object)
{
    json_t *tests = prompt_key(object) ? tests_of(object) : NULL;
    bool is =
        json_object_get(json_array_get(tests, 0), "input") || json_object_get(tests, "inputs");
    json_decref(tests);
    return is;
}

static int read_all(struct prb_build *b)
{
    static const char *const ids[] = {"problem_id", "id", "task_id"};
    const char *prompt = prompt_key(b->object);
    TRY(prb_build_prompt(b, &prompt, 1));
    TRY(prb_no_nul(b->object, "starter_code", b->w, b->err));
    json_t *tests = prb_build_value(b, "tests");
    if (!tests)
        return -EINVAL;
    int rc = json_is_object(tests) ? prb_build_columns(b, tests, "tests")
                                   : prb_build_rows(b, tests, "tests", NULL);
    json_decref(tests);
    TRY(rc);
    b->p->id = prb_foreign_id(b->object, ids, COUNT_OF(ids), "");
    if (b->function)
        b->p->starter = check_alloc(strdup(prb_text(b->object, "starter_code", "")));
    json_t *solutions = prb_inner(b->object, "solutions");
    prb_build_solutions(b, solutions);
    json_decref(solutions);
    return 0;
}

int prb_read_primeintellect(const json_t *object, const struct where *w, struct problem *ret,
                            struct err *err)
{
    struct prb_build b;
    prb_build_begin(&b, object, w, ret, err);
    return prb_build_end(&b, read_all(&b));
}
