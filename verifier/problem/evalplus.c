/* evalplus.c: EvalPlus's JSON lines, HumanEval+ and MBPP+ alike: {task_id, prompt, entry_point,
 * canonical_solution, contract, base_input, plus_input, atol}, MBPP's also with `assertion`.
 *
 * Only inputs are given: the judge runs the canonical solution in a guest, with the contract's
 * asserts at the head of the entry point, and expects of a program what that answers. An input
 * that the contract refuses is no test. MBPP's inputs were written as JSON, which has no tuples,
 * sets or complex numbers; the literals in `assertion` show which arguments are such.
 *
 * Answers are compared as EvalPlus does: by ==, which takes 1 for True, and floats within `atol`
 * (1e-6 where it is 0) and 1e-7 of the expected one. Some tasks have more than one right answer;
 * what EvalPlus accepts for them is in the table. Its lenience for two tasks that any constant
 * passes (Mbpp/164 and 295, which later revisions dropped) is left out: such a test tests
 * nothing. */
#include "readers.h"

bool prb_is_evalplus(const json_t *object)
{
    static const char *const keys[] = {"task_id", "prompt", "entry_point", "canonical_solution",
                                       "base_input"};
    return prb_has(object, keys, COUNT_OF(keys));
}

static const char as_sets[] = "def accept(got, expected, *args):\n"
                              "    return set(got) == set(expected)\n";
static const char a_root[] =
    "def accept(got, expected, coefficients):\n"
    "    return abs(sum(c * got ** i for i, c in enumerate(coefficients))) <= atol\n";

/* By id; NULL: what counts is whether there is an answer at all, be it True or a match object. */
static const struct {
    const char *id, *accept;
} many_answers[] = {
    {"HumanEval/32", a_root}, {"Mbpp/2", as_sets},   {"Mbpp/7", as_sets},   {"Mbpp/111", as_sets},
    {"Mbpp/140", as_sets},    {"Mbpp/232", as_sets}, {"Mbpp/249", as_sets}, {"Mbpp/579", as_sets},
    {"Mbpp/769", as_sets},    {"Mbpp/737", NULL},    {"Mbpp/787", NULL},    {"Mbpp/794", NULL},
};

static int add_inputs(json_t *cases, const json_t *object, const char *key, const char *group,
                      const struct where *w, struct err *err)
{
    size_t i;
    json_t *args;
    const json_t *inputs = json_object_get(object, key);
    if (inputs && !json_is_array(inputs))
        return keys_fail(w, object, key, err, "`%s` must be a list of argument lists", key);
    json_array_foreach (inputs, i, args) {
        if (!json_is_array(args))
            return keys_fail(w, object, key, err, "`%s[%zu]` must be a list of arguments", key, i);
        json_array_append_new(cases, json_pack("{s:O, s:s}", "args", args, "group", group));
    }
    return 0;
}

static json_t *compare_for(const char *id, double atol)
{
    json_t *compare =
        json_pack("{s:{s:f, s:f}, s:s, s:s}", "float", "absolute", atol > 0 ? atol : 1e-6,
                  "relative", 1e-7, "sequences", "same-type", "booleans", "any");
    for (size_t i = 0; i < COUNT_OF(many_answers); i++) {
        const char *accept = many_answers[i].accept;
        if (strcmp(many_answers[i].id, id) != 0)
            continue;
        if (accept)
            json_object_set_new(compare, "python", json_sprintf("atol = %.17g\n%s", atol, accept));
        else
            json_object_set_new(compare, "found", json_true());
    }
    return compare;
}

/* HumanEval's solutions go on from the prompt; MBPP's are whole programs after a docstring. */
static json_t *whole_program(const json_t *object, bool mbpp)
{
    return json_sprintf("%s%s%s", prb_usual_imports, mbpp ? "" : prb_text(object, "prompt", ""),
                        prb_text(object, "canonical_solution", ""));
}

int prb_read_evalplus(const json_t *object, const struct where *w, struct problem *ret,
                      struct err *err)
{
    static const char *const texts[] = {"prompt", "entry_point", "canonical_solution"};
    static const char *const ids[] = {"task_id"};
    static const char *const optional[] = {"contract", "assertion"};
    TRY(prb_need_texts(object, texts, COUNT_OF(texts), w, err));
    for (size_t i = 0; i < COUNT_OF(optional); i++)
        if (json_object_get(object, optional[i]))
            TRY(prb_need_texts(object, &optional[i], 1, w, err));
    const json_t *atol = json_object_get(object, "atol");
    if (atol && !(json_is_number(atol) && json_number_value(atol) >= 0))
        return keys_fail(w, object, "atol", err, "`atol` must be a number of at least 0");
    ret->id = prb_foreign_id(object, ids, COUNT_OF(ids), "Mbpp/");
    bool mbpp = strncasecmp(ret->id, "mbpp/", 5) == 0;
    json_t *cases = json_array();
    int rc = add_inputs(cases, object, "base_input", "base", w, err);
    if (rc == 0)
        rc = add_inputs(cases, object, "plus_input", "plus", w, err);
    if (rc == 0 && json_array_size(cases) == 0)
        rc = keys_fail(w, object, "base_input", err, "`base_input` is empty");
    if (rc == 0) {
        prb_continue(ret, prb_text(object, "prompt", ""), prb_text(object, "entry_point", ""));
        if (mbpp) { /* the prompt is a docstring: nothing to put before a program */
            free(ret->starter);
            ret->starter = check_alloc(strdup(prb_usual_imports));
        }
        ret->limits = LIMITS_DEFAULT;
        json_t *derive =
            json_pack("{s:s?, s:s?, s:i}", "contract", prb_text(object, "contract", NULL), "like",
                      prb_text(object, "assertion", NULL), "times", 4);
        json_t *compare = compare_for(ret->id, json_number_value(atol)),
               *reference = whole_program(object, mbpp);
        prb_finish(
            ret, &(struct prb_tests){
                     .cases = cases, .derive = derive, .compare = compare, .reference = reference});
        json_decref(derive);
        json_decref(compare);
        json_decref(reference);
    }
    json_decref(cases);
    return rc;
}
