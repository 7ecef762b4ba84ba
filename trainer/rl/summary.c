#include "trainer/rl/summary.h"

#include <stdlib.h>

#include "trainer/model/product.h"
#include "trainer/rl/spent.h"

/* The numbers of one row: sft_pass_at_1, grpo_pass_at_1, sft_greedy, grpo_greedy. */
static const struct column {
    const char *key, *result;
    bool after;
} COLUMNS[] = {
    {"sft_pass_at_1", "sampled", false},
    {"grpo_pass_at_1", "sampled", true},
    {"sft_greedy", "greedy", false},
    {"grpo_greedy", "greedy", true},
};

struct pair {
    const json_t *before, *after;
};

static struct pair find_pair(const struct recipe *r, const json_t *evals)
{
    struct pair p = {0};
    size_t i;
    json_t *e;
    int first = r->n_stages, last = -1;
    for (int s = 0; s < r->n_stages; s++) {
        if (r->stages[s].kind != STAGE_GRPO)
            continue;
        first = s < first ? s : first;
        last = s;
    }
    json_array_foreach ((json_t *)evals, i, e) {
        int stage = (int)json_integer_value(json_object_get(e, "stage_index"));
        if (stage < first)
            p.before = e;
        else if (stage > last)
            p.after = e;
    }
    return p;
}

static const json_t *result_of(const struct pair *p, const struct column *c)
{
    return json_object_get(c->after ? p->after : p->before, c->result);
}

static void add_row(json_t *row, const struct pair *p, const char *level)
{
    for (size_t i = 0; i < COUNT_OF(COLUMNS); i++) {
        const json_t *from = result_of(p, &COLUMNS[i]);
        if (level)
            from = json_object_get(json_object_get(from, "by_level"), level);
        json_t *value = json_object_get(from, "pass_at_1");
        if (value)
            json_object_set(row, COLUMNS[i].key, value);
    }
}

/* Rows for every level, and again for the hardest: the one with the largest number. */
static void add_levels(json_t *summary, const struct pair *p)
{
    json_t *rows = json_object(), *ignored;
    const char *level, *hardest = NULL;
    for (size_t i = 0; i < COUNT_OF(COLUMNS); i++)
        json_object_foreach (json_object_get(result_of(p, &COLUMNS[i]), "by_level"), level,
                             ignored) {
            if (json_object_get(rows, level))
                continue;
            json_t *row = json_object();
            add_row(row, p, level);
            json_object_set_new(rows, level, row);
        }
    json_object_foreach (rows, level, ignored) {
        if (strtol(level, NULL, 10) > (hardest ? strtol(hardest, NULL, 10) : 0))
            hardest = level;
    }
    if (hardest) {
        json_t *hard = json_copy(json_object_get(rows, hardest));
        json_object_set_new(hard, "ops", json_integer(strtol(hardest, NULL, 10)));
        json_object_set_new(summary, "hard", hard);
    }
    if (json_object_size(rows))
        json_object_set(summary, "by_ops", rows);
    json_decref(rows);
}

static void add_object(json_t *summary, const char *key, const json_t *eval, const char *name)
{
    json_t *value = json_object_get(json_object_get(eval, "sampled"), name);
    if (value)
        json_object_set(summary, key, value);
}

/* What each verifier of the recipe's did. */
static void add_verifiers(json_t *summary, const struct rl_run *run)
{
    json_t *list = json_array();
    struct client_server s;
    for (int i = 0; run->recipe->verifier_urls.n && client_server(run->client, i, &s); i++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:b}", "url", s.url, "verdicts",
                                              (json_int_t)s.graded, "infra", (json_int_t)s.infra,
                                              "refusals", (json_int_t)s.refusals, "up", s.up));
    if (json_array_size(list))
        json_object_set(summary, "verifiers", list);
    json_decref(list);
}

static void add_stages(json_t *summary, const char *dir)
{
    json_t *lines = json_array();
    if (runlog_lines(dir, lines, NULL) == 0)
        json_object_set_new(summary, "stages", spent_by_stage(lines));
    json_decref(lines);
}

json_t *summary_make(const struct rl_run *run, const json_t *evals, double seconds,
                     const char *model_dir)
{
    json_t *summary = json_object();
    const struct pair p = find_pair(run->recipe, evals);
    add_object(summary, "held_out_problems", p.after ? p.after : p.before, "problems");
    add_row(summary, &p, NULL);
    add_levels(summary, &p);
    add_object(summary, "grades_before", p.before, "grades");
    add_object(summary, "grades_after", p.after, "grades");
    json_object_set_new(summary, "grpo_steps",
                        json_integer(rl_grpo_steps(run->recipe, run->recipe->n_stages)));
    json_object_set_new(summary, "seconds", json_real(seconds));
    add_stages(summary, run->recipe->out);
    json_object_set_new(summary, "verdicts", json_integer(run->verdicts));
    json_object_set_new(summary, "infra", json_integer(run->infra));
    add_verifiers(summary, run);
    json_object_set_new(summary, "tokens", json_integer(run->tokens_sampled + run->tokens_trained));
    json_object_set_new(summary, "tokens_sampled", json_integer(run->tokens_sampled));
    json_object_set_new(summary, "tokens_trained", json_integer(run->tokens_trained));
    json_object_set_new(summary, "model_dir", json_string(model_dir));
    json_object_set_new(summary, "compute", json_string(model_compute_what(&run->model, NULL)));
    json_object_set_new(summary, "seed", json_integer((json_int_t)run->recipe->seed));
    return summary;
}
