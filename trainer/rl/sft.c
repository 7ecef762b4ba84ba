#include "trainer/rl/sft.h"

#include <math.h>

#include "base/clock.h"
#include "trainer/rl/learner.h"

int sft_read(struct rl_run *run, const struct recipe_data *data, int n, enum dataset_tasks which,
             struct dataset *d, struct err *err)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < n; i++) {
        struct task_set set = {0};
        json_t *problems = NULL;
        if (data[i].source < 0) {
            rc = dataset_add_file(d, run->recipe, data[i].spec, err);
            continue;
        }
        if ((rc = client_problems(run->client, data[i].source, &problems, err)) < 0)
            err_prefix(err, "%s", data[i].spec);
        else if ((rc = task_set_make(run->recipe, data[i].spec, problems, NULL, 0, &set, err)) == 0)
            rc = dataset_add_tasks(d, &set, which, data[i].spec, err);
        task_set_free(&set);
    }
    return rc;
}

/* Mean negative log-likelihood over the batch's completion tokens. */
static void imitate(const void *ctx, const struct rl_pack *p, const struct rl_loss_totals *totals,
                    float *ret_dlogp, struct rl_loss_stats *stats)
{
    (void)ctx;
    for (int r = 0; r < p->batch.n_rows; r++) {
        ret_dlogp[r] = -1.0f / (float)totals->tokens;
        stats->loss -= p->logp[r] / (double)totals->tokens;
    }
    stats->tokens += p->batch.n_rows;
}

struct sft {
    struct rl_run *run;
    const struct recipe_sft *recipe;
    struct dataset data;
    struct dataset_plan plan;
    struct rl_learner *learner;
    int stage, steps;
    int64_t tokens;
};

static int sft_step(struct sft *s, int step, double started, struct rl_sequence *batch,
                    struct err *err)
{
    const int *order = s->plan.order, from = s->plan.cut[step], to = s->plan.cut[step + 1];
    const double lr = recipe_lr_at(&s->recipe->lr, step, s->steps), began = wall_s(),
                 idle = team_idle_s(s->run->team), cpu = cpu_s();
    struct rl_step_stats stats;
    for (int i = from; i < to; i++)
        batch[i - from] = s->data.rows[order[i]];
    rl_learner_step(s->learner, batch, to - from, s->recipe->tokens_per_batch, 1, imitate, NULL,
                    (float)lr, &stats);
    if (!isfinite(stats.grad_norm) || !isfinite(stats.loss.loss))
        return err_set(err, -EDOM,
                       "sft step %d: the loss is not a number any more; a lower lr may help",
                       step + 1);
    s->tokens += stats.tokens;
    s->run->tokens_trained += stats.tokens;
    double rate = (double)s->tokens / (wall_s() - started);
    json_t *line =
        json_pack("{s:s, s:i, s:i}", "stage", "sft", "stage_index", s->stage, "step", step + 1);
    json_set_number(line, "epoch", (double)(step + 1) / s->plan.batches_per_epoch);
    json_set_number(line, "loss", stats.loss.loss);
    json_set_number(line, "entropy", stats.entropy);
    json_set_number(line, "learning_rate", lr);
    json_set_number(line, "grad_norm", stats.grad_norm);
    json_object_set_new(line, "num_tokens", json_integer(s->run->tokens_trained));
    json_set_number(line, "tokens_per_s", rate);
    json_set_number(line, "step_time", wall_s() - began);
    json_set_number(line, "time/idle", team_idle_s(s->run->team) - idle);
    json_set_number(line, "time/cpu", cpu_s() - cpu);
    TRY(rl_run_metrics(s->run, line, err));
    struct progress_step shown = PROGRESS_STEP_NONE;
    shown.step = step + 1;
    shown.loss = stats.loss.loss;
    shown.tokens_per_s = rate;
    if (s->run->progress)
        progress_step(s->run->progress, &shown);
    return 0;
}

static int sft_train(struct sft *s, int from, stage_save save, void *ctx, struct err *err)
{
    int largest = 0, rc = 0;
    for (int b = 0; b < s->steps; b++)
        if (s->plan.cut[b + 1] - s->plan.cut[b] > largest)
            largest = s->plan.cut[b + 1] - s->plan.cut[b];
    struct rl_sequence *batch = xcalloc((size_t)largest, sizeof *batch);
    double started = wall_s();
    for (int step = from; rc == 0 && step < s->steps; step++) {
        rc = sft_step(s, step, started, batch, err);
        const struct stage_state state = {.step = step + 1, .adamw = rl_learner_adamw(s->learner)};
        if (rc == 0)
            rc = rl_run_step_done(s->run, s->stage, &state, s->recipe->save_every, save, ctx, err);
    }
    free(batch);
    return rc;
}

/* What a completion learns to end with: as the chat template ends an answer, where the model ends a text
 * with that too. */
static int32_t end_of_completion(const struct rl_run *run)
{
    const char *name = chat_end((enum chat)run->recipe->chat);
    const int32_t end = name ? tok_special(run->tok, name) : -1;
    return end >= 0 && model_ends(&run->model.cfg, end) ? end : run->model.cfg.eos_id;
}

int sft_stage(struct rl_run *run, int stage, const struct stage_state *resume, stage_save save,
              void *ctx, struct err *err)
{
    const struct recipe_sft *recipe = &run->recipe->stages[stage].sft;
    struct sft s = {.run = run, .recipe = recipe, .stage = stage};
    int rc = sft_read(run, recipe->data, recipe->data_specs.n, DATASET_DEMONSTRATED, &s.data, err);
    if (rc == 0)
        rc = dataset_tokenise(&s.data, run->tok, end_of_completion(run),
                              run->model.cfg.max_positions, err);
    if (rc == 0)
        rc = rl_learner_new(&run->model, run->team, &recipe->adamw, &s.learner, err);
    /* An epoch is a step at least: those behind the last step need no order. */
    const int epochs = recipe->max_steps && recipe->max_steps < recipe->epochs ? recipe->max_steps
                                                                               : recipe->epochs;
    if (rc == 0)
        rc = dataset_plan_make(&s.data, rl_seed(run->recipe->seed, SEED_SFT, stage), epochs,
                               recipe->tokens_per_batch, &s.plan, err);
    if (rc == 0) {
        s.steps = recipe->max_steps && recipe->max_steps < s.plan.n_batches ? recipe->max_steps
                                                                            : s.plan.n_batches;
        if (run->progress)
            progress_stage(run->progress, "sft", s.steps);
        if (resume)
            rl_learner_resume(s.learner, resume->adamw);
        rc = sft_train(&s, resume ? resume->step : 0, save, ctx, err);
    }
    rl_learner_free(s.learner);
    dataset_plan_free(&s.plan);
    dataset_free(&s.data);
    return rc;
}
