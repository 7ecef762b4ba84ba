/* leetcode.c: LeetCodeDataset's JSON lines: {task_id, prompt, starter_code, completion,
 * entry_point, test, problem_description, query, ...}.
 *
 * `prompt` is a prelude of imports and of the site's helpers (ListNode, TreeNode, functions that
 * build and compare them): the starter, which exists on both sides. `entry_point` names a method
 * of a fresh object, "Solution().twoSum"; `test` defines check(candidate). */
#include "readers.h"

static const char *const needed[] = {"task_id", "prompt", "starter_code", "entry_point", "test"};

bool prb_is_leetcode(const json_t *object)
{
    return prb_has(object, needed, COUNT_OF(needed));
}

int prb_read_leetcode(const json_t *object, const struct where *w, struct problem *ret,
                      struct err *err)
{
    static const char *const asked[] = {"query", "problem_description"};
    static const char *const solutions[] = {"completion", "canonical_solution"};
    static const char *const shown[] = {"difficulty", "tags"};
    const char *text = NULL, *solution = NULL, *signature = prb_text(object, "starter_code", "");
    TRY(prb_need_texts(object, needed, COUNT_OF(needed), w, err));
    for (size_t i = 0; i < COUNT_OF(asked) && !text; i++)
        text = prb_text(object, asked[i], NULL);
    for (size_t i = 0; i < COUNT_OF(solutions) && !solution; i++)
        solution = prb_text(object, solutions[i], NULL);
    const char *prelude = prb_text(object, "prompt", "");
    ret->id = check_alloc(strdup(prb_text(object, "task_id", "")));
    CHECK(asprintf(&ret->prompt, text == NULL ? "Complete this program:\n\n%s" : "%s",
                   text ? text : signature) >= 0);
    ret->entry_point = check_alloc(strdup(prb_text(object, "entry_point", "")));
    CHECK(asprintf(&ret->starter, "%s\n", prelude) >= 0);
    CHECK(asprintf(&ret->prefix, "%s\n%s", prelude, signature) >= 0);
    ret->limits = LIMITS_DEFAULT;
    ret->limits.cpu_s = 5;
    ret->limits.wall_s = 15;
    ret->shown = json_object();
    for (size_t i = 0; i < COUNT_OF(shown); i++) {
        json_t *v = json_object_get(object, shown[i]);
        if (v && !json_is_null(v))
            json_object_set(ret->shown, shown[i], v);
    }
    json_t *reference = solution ? json_string(solution) : NULL;
    prb_finish(
        ret, &(struct prb_tests){.tests = json_object_get(object, "test"), .reference = reference});
    json_decref(reference);
    return 0;
}
