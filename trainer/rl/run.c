#include "trainer/rl/run.h"

#include <math.h>

#include "base/rng.h"
#include "trainer/rl/world.h"

int rl_run_stopped(const struct rl_run *run, struct err *err)
{
    return run->stop && run->stop(NULL) ? err_set(err, -EINTR, "interrupted") : 0;
}

int rl_run_step_done(struct rl_run *run, int stage, const struct stage_state *state, int every,
                     stage_save save, void *ctx, struct err *err)
{
    const int rc = world_agree(rl_run_stopped(run, err), err);
    const bool due = every > 0 && state->step % every == 0;
    if (save && (due || rc == -EINTR))
        TRY(save(ctx, run, stage, state, err));
    return rc;
}

int rl_run_tasks(struct rl_run *run, int source, struct task_set *ret, struct err *err)
{
    json_t *problems = NULL;
    const char *spec = run->recipe->sources.v[source];
    if (client_problems(run->client, source, &problems, err) < 0)
        return err_prefix(err, "%s", spec);
    return task_set_make(run->recipe, spec, problems, run->tok, run->model.cfg.max_positions, ret,
                         err);
}

/* The number at `path`: a key of the line or, in the line of an eval stage, NAME/KEY/KEY. */
static const json_t *number_at(const json_t *line, const char *path)
{
    char key[64];
    const char *name = json_string_value(json_object_get(line, "name"));
    const size_t n = name ? strlen(name) : 0;
    if (!name)
        return json_object_get(line, path);
    if (strncmp(path, name, n) != 0 || path[n] != '/')
        return NULL;
    for (path += n; *path == '/'; path += strlen(key) + 1) {
        snprintf(key, sizeof key, "%.*s", (int)strcspn(path + 1, "/"), path + 1);
        line = json_object_get(line, key);
    }
    return line;
}

static void watch(struct rl_run *run, const json_t *line)
{
    struct watched *w = &run->watched;
    const char *stage = json_string_value(json_object_get(line, "stage"));
    const json_t *value =
        run->recipe->best_metric ? number_at(line, run->recipe->best_metric) : NULL;
    if (!stage || strcmp(stage, "eval") != 0)
        w->value = NAN; /* the policy has changed */
    if (!json_is_number(value))
        return;
    w->sum += json_number_value(value);
    w->n++;
}

double rl_run_watched(struct rl_run *run)
{
    struct watched *w = &run->watched;
    *w = (struct watched){.value = w->n ? w->sum / w->n : w->value};
    return w->value;
}

int rl_run_metrics(struct rl_run *run, json_t *line, struct err *err)
{
    watch(run, line);
    if (run->log)
        return runlog_metrics(run->log, line, err);
    json_decref(line);
    return 0;
}

int rl_grpo_steps(const struct recipe *r, int stage)
{
    int steps = 0;
    for (int i = 0; i < stage; i++)
        steps += r->stages[i].kind == STAGE_GRPO ? r->stages[i].grpo.steps : 0;
    return steps;
}

void rl_compute_as(const struct recipe *r, struct model *m)
{
    m->recompute = r->recompute;
    m->compute = r->compute;
}

void json_set_number(json_t *object, const char *key, double value)
{
    if (isfinite(value))
        json_object_set_new(object, key, json_real(value));
}

void json_set_grades(json_t *object, const char *prefix, const int grades[GRADE_COUNT])
{
    static const char *const names[GRADE_COUNT] = GRADE_NAMES;
    char key[64];
    for (int g = 0; g < GRADE_COUNT; g++) {
        snprintf(key, sizeof key, "%s%s", prefix, names[g]);
        json_object_set_new(object, key, json_integer(grades[g]));
    }
}

uint64_t rl_seed(uint64_t seed, enum rl_seed use, int stage)
{
    return rng_mix(seed * 0x9e3779b97f4a7c15ull + (uint64_t)use * 0x1000003ull + (uint64_t)stage +
                   1);
}
