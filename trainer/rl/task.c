#include "trainer/rl/task.h"

#include "base/check.h"

/* The problem's own words, then the code it starts from, in a fence. */
static void problem_text(const json_t *problem, struct buf *out)
{
    const char *starter = json_string_value(json_object_get(problem, "starter"));
    buf_puts(out, json_string_value(json_object_get(problem, "prompt")));
    while (out->len && (out->s[out->len - 1] == '\n' || out->s[out->len - 1] == ' '))
        out->s[--out->len] = 0;
    if (starter && *starter)
        buf_printf(out, "\n```python\n%s%s```", starter,
                   starter[strlen(starter) - 1] == '\n' ? "" : "\n");
}

static void level_name(const json_t *level, char out[TASK_LEVEL_BYTES])
{
    if (json_is_integer(level))
        snprintf(out, TASK_LEVEL_BYTES, "%d", (int)json_integer_value(level));
    else if (json_is_string(level))
        snprintf(out, TASK_LEVEL_BYTES, "%s", json_string_value(level));
}

static int task_make(const struct recipe *r, const char *spec, const json_t *problem,
                     const struct tokenizer *tok, int max_positions, struct task *t,
                     struct err *err)
{
    struct buf text = {0}, prompt = {0};
    t->id = json_string_value(json_object_get(problem, "id"));
    if (!t->id || !json_is_string(json_object_get(problem, "prompt")))
        return err_set(err, -EINVAL, "%s: the verifier sent a problem without id or prompt", spec);
    t->demonstration = json_string_value(json_object_get(problem, "demonstration"));
    level_name(json_object_get(problem, "level"), t->level);
    problem_text(problem, &text);
    recipe_prompt(r, buf_view(&text), &prompt);
    buf_free(&text);
    t->prompt = prompt.s;
    if (tok)
        tok_encode(tok, buf_view(&prompt), true, &t->tokens);
    if (tok && t->tokens.n == 0)
        return err_set(err, -EINVAL, "%s: problem %s has an empty prompt", spec, t->id);
    if (tok && max_positions && t->tokens.n >= max_positions)
        return err_set(err, -EINVAL,
                       "%s: the prompt of %s has %d tokens, the model takes %d in all", spec, t->id,
                       t->tokens.n, max_positions);
    return 0;
}

int task_set_make(const struct recipe *r, const char *spec, json_t *problems,
                  const struct tokenizer *tok, int max_positions, struct task_set *ret,
                  struct err *err)
{
    struct task_set set = {.n = (int)json_array_size(problems), .problems = problems};
    set.v = xcalloc((size_t)set.n, sizeof *set.v);
    int rc = set.n ? 0 : err_set(err, -EINVAL, "%s: no problems", spec);
    for (int i = 0; rc == 0 && i < set.n; i++)
        rc = task_make(r, spec, json_array_get(problems, (size_t)i), tok, max_positions, &set.v[i],
                       err);
    if (rc < 0) {
        task_set_free(&set);
        return rc;
    }
    *ret = set;
    return 0;
}

static void task_clear(struct task *t)
{
    free(t->prompt);
    free(t->tokens.v);
}

static bool level_wanted(const struct task *t, const struct recipe_strings *levels)
{
    for (int i = 0; i < levels->n; i++)
        if (strcmp(t->level, levels->v[i]) == 0)
            return true;
    return levels->n == 0;
}

int task_set_filter(struct task_set *set, const char *spec, const struct recipe_strings *levels,
                    struct err *err)
{
    int kept = 0;
    for (int i = 0; i < set->n; i++) {
        if (level_wanted(&set->v[i], levels))
            set->v[kept++] = set->v[i];
        else
            task_clear(&set->v[i]);
    }
    set->n = kept;
    return kept ? 0 : err_set(err, -EINVAL, "%s: no problem has one of the levels asked for", spec);
}

void task_set_free(struct task_set *set)
{
    for (int i = 0; i < set->n; i++)
        task_clear(&set->v[i]);
    free(set->v);
    json_decref(set->problems);
    *set = (struct task_set){0};
}

void task_shuffle(uint64_t seed, uint64_t stream, int n, int *order)
{
    struct rng r = rng_make(seed, stream);
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int i = n - 1; i > 0; i--) {
        int j = (int)rng_below(&r, (uint64_t)i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

void task_cursor_start(struct task_cursor *c, uint64_t seed, int n, int64_t at)
{
    CHECK(n > 0 && at >= 0);
    *c = (struct task_cursor){
        .seed = seed, .n = n, .at = at, .epoch = -1, .order = xcalloc((size_t)n, sizeof(int))};
}

int task_cursor_next(struct task_cursor *c)
{
    int64_t epoch = c->at / c->n;
    if (epoch != c->epoch) {
        task_shuffle(c->seed, (uint64_t)epoch, c->n, c->order);
        c->epoch = epoch;
    }
    return c->order[c->at++ % c->n];
}

void task_cursor_free(struct task_cursor *c)
{
    free(c->order);
    *c = (struct task_cursor){0};
}
