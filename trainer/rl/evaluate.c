#include "trainer/rl/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "trainer/rl/rollout.h"

/* Completions sampled at once: enough to keep every row busy, few enough for progress to move. */
enum { EVAL_COMPLETIONS_PER_BATCH = 1024, EVAL_LEVELS_MAX = 64 };

double pass_at_k(int n, int c, int k)
{
    if (k > n || k < 1)
        return NAN;
    double fail = 1; /* C(n - c, k) / C(n, k) */
    for (int i = 0; i < k; i++)
        fail *= fmax(0, (double)(n - c - i)) / (n - i);
    return 1 - fail;
}

struct level {
    char name[TASK_LEVEL_BYTES];
    int problems, graded, passed;
};

struct tally {
    const struct eval_request *req;
    struct level all, levels[EVAL_LEVELS_MAX];
    int n_levels;
    int grades[GRADE_COUNT], infra, truncated;
    int64_t tokens;
    double pass_at[EVAL_K_MAX];
    int pass_at_problems[EVAL_K_MAX];
};

static struct level *level_of(struct tally *t, const char *name)
{
    for (int i = 0; i < t->n_levels; i++)
        if (strcmp(t->levels[i].name, name) == 0)
            return &t->levels[i];
    if (!*name || t->n_levels == EVAL_LEVELS_MAX)
        return NULL;
    struct level *l = &t->levels[t->n_levels++];
    snprintf(l->name, sizeof l->name, "%s", name);
    return l;
}

/* As people count: 2 before 10. */
static int by_name(const void *a, const void *b)
{
    return strverscmp(((const struct level *)a)->name, ((const struct level *)b)->name);
}

/* All completions of one problem. */
static void count_problem(struct tally *t, const struct rollout *r, int group)
{
    int graded = 0, passed = 0;
    for (int k = 0; k < group; k++) {
        graded += r[k].grade >= 0;
        passed += r[k].grade >= 0 && r[k].right;
    }
    struct level *to[2] = {&t->all, level_of(t, r->task->level)};
    for (int i = 0; i < 2 && to[i]; i++) {
        to[i]->problems++;
        to[i]->graded += graded;
        to[i]->passed += passed;
    }
    for (int i = 0; i < t->req->n_k; i++) {
        double p = pass_at_k(graded, passed, t->req->k[i]);
        if (isnan(p))
            continue;
        t->pass_at[i] += p;
        t->pass_at_problems[i]++;
    }
}

static void count_batch(struct tally *t, const struct rollout_batch *b,
                        const struct rollout_stats *s)
{
    for (int i = 0; i < b->n; i += b->group)
        count_problem(t, &b->v[i], b->group);
    for (int g = 0; g < GRADE_COUNT; g++)
        t->grades[g] += s->grades[g];
    t->infra += s->infra;
    t->truncated += s->truncated;
    t->tokens += s->tokens;
}

static double rate(int part, int whole)
{
    return whole ? (double)part / whole : NAN;
}

static json_t *tally_json(struct tally *t, double seconds)
{
    int completions = t->all.graded + t->infra;
    json_t *out =
        json_pack("{s:i, s:i, s:i, s:f}", "problems", t->all.problems, "samples", t->req->samples,
                  "completions", completions, "temperature", t->req->sampling.temperature);
    json_t *levels = json_object(), *grades = json_object(), *at_k = json_object();
    json_set_number(out, "pass_at_1", rate(t->all.passed, t->all.graded));
    for (int i = 0; i < t->req->n_k; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", t->req->k[i]);
        json_set_number(at_k, name,
                        t->pass_at_problems[i] ? t->pass_at[i] / t->pass_at_problems[i] : NAN);
    }
    if (t->req->n_k)
        json_object_set(out, "pass_at_k", at_k);
    json_decref(at_k);
    json_set_grades(grades, "", t->grades);
    json_object_set_new(out, "grades", grades);
    json_object_set_new(out, "infra", json_integer(t->infra));
    json_object_set_new(out, "truncated", json_integer(t->truncated));
    json_set_number(out, "mean_length", completions ? (double)t->tokens / completions : NAN);
    qsort(t->levels, (size_t)t->n_levels, sizeof *t->levels, by_name);
    for (int i = 0; i < t->n_levels; i++) {
        json_t *level = json_pack("{s:i}", "problems", t->levels[i].problems);
        json_set_number(level, "pass_at_1", rate(t->levels[i].passed, t->levels[i].graded));
        json_object_set_new(levels, t->levels[i].name, level);
    }
    json_object_set_new(out, "by_level", levels);
    json_set_number(out, "seconds", seconds);
    return out;
}

static void show(struct rl_run *run, const struct tally *t, int batch, double started)
{
    struct progress_step p = PROGRESS_STEP_NONE;
    p.step = batch + 1;
    p.pass = rate(t->all.passed, t->all.graded);
    memcpy(p.grades, t->grades, sizeof p.grades);
    p.length = (double)t->tokens / (t->all.graded + t->infra);
    p.tokens_per_s = (double)t->tokens / (wall_s() - started);
    p.verdicts_per_s = t->all.graded / (wall_s() - started);
    if (run->progress)
        progress_step(run->progress, &p);
}

static int eval_batches(struct rl_run *run, struct tally *t, const struct task_set *set, int n,
                        int per_batch, FILE *completions, double started, struct err *err)
{
    const struct eval_request *req = t->req;
    for (int from = 0; from < n; from += per_batch) {
        const struct task *tasks[EVAL_COMPLETIONS_PER_BATCH];
        uint64_t streams[EVAL_COMPLETIONS_PER_BATCH];
        int here = n - from < per_batch ? n - from : per_batch;
        for (int i = 0; i < here; i++) {
            tasks[i] = &set->v[from + i];
            streams[i] = (uint64_t)(from + i) * (uint64_t)req->samples;
        }
        const struct rollout_request ask = {
            .tasks = tasks,
            .streams = streams,
            .n_tasks = here,
            .group = req->samples,
            .sampling = req->sampling,
            .seed = req->seed,
            .weights = {[REWARD_GRADE] = 1, [REWARD_MATH] = req->answers},
            .overlong_buffer = 1};
        struct rollout_batch b;
        struct rollout_stats s;
        TRY(rollout_run(run, &ask, &b, &s, err));
        count_batch(t, &b, &s);
        show(run, t, from / per_batch, started);
        for (int i = 0; completions && i < b.n; i++) {
            json_t *line = rollout_json(&b.v[i]);
            json_dumpf(line, completions, JSON_COMPACT);
            fputc('\n', completions);
            json_decref(line);
        }
        rollout_free(&b);
    }
    return 0;
}

int evaluate(struct rl_run *run, const struct eval_request *req, FILE *completions, json_t **ret,
             struct err *err)
{
    struct task_set set;
    struct tally t = {.req = req};
    double started = wall_s();
    TRY(rl_run_tasks(run, req->source, &set, err));
    int rc = req->levels
                 ? task_set_filter(&set, run->recipe->sources.v[req->source], req->levels, err)
                 : 0;
    int n = req->limit && req->limit < set.n ? req->limit : set.n;
    int per_batch =
        req->samples < EVAL_COMPLETIONS_PER_BATCH ? EVAL_COMPLETIONS_PER_BATCH / req->samples : 1;
    if (run->progress && rc == 0)
        progress_stage(run->progress, req->name, (n + per_batch - 1) / per_batch);
    if (rc == 0)
        rc = eval_batches(run, &t, &set, n, per_batch, completions, started, err);
    task_set_free(&set);
    if (rc == 0)
        *ret = tally_json(&t, wall_s() - started);
    return rc;
}

int evaluate_stage(struct rl_run *run, int stage, json_t **ret, struct err *err)
{
    const struct recipe_eval *e = &run->recipe->stages[stage].eval;
    json_t *line = json_pack("{s:s, s:i, s:s, s:s}", "stage", "eval", "stage_index", stage, "name",
                             e->name, "spec", e->problems);
    char name[128];
    struct eval_request req = {.name = e->name,
                               .source = e->source,
                               .samples = e->samples,
                               .limit = e->limit,
                               .sampling = e->sampling,
                               .answers = recipe_rewards_answers(run->recipe),
                               .levels = &e->levels,
                               .seed = rl_seed(run->recipe->seed, SEED_EVAL, 0)};
    json_t *result = NULL;
    int rc = e->samples ? evaluate(run, &req, NULL, &result, err) : 0;
    if (result)
        json_object_set_new(line, "sampled", result);
    if (rc == 0 && e->greedy) {
        snprintf(name, sizeof name, "%s greedy", e->name);
        req.name = name;
        req.samples = 1;
        req.sampling.temperature = 0;
        if ((rc = evaluate(run, &req, NULL, &result, err)) == 0)
            json_object_set_new(line, "greedy", result);
    }
    if (rc == 0)
        rc = rl_run_metrics(run, json_incref(line), err);
    if (rc == 0)
        *ret = line;
    else
        json_decref(line);
    return rc;
}
