#include "trainer/rl/grpo.h"

#include <math.h>

#include "base/clock.h"
#include "trainer/rl/advantage.h"
#include "trainer/rl/learner.h"
#include "trainer/rl/rollout.h"
#include "trainer/rl/verifiers.h"
#include "trainer/rl/world.h"

/* With dynamic sampling, a step draws at most this many times its prompts to replace dead
 * groups. */
enum { REFILL_ROUNDS_MAX = 4 };

struct grpo {
    struct rl_run *run;
    const struct recipe_grpo *recipe;
    int stage;
    struct task_set tasks;
    struct task_cursor cursor;
    struct rl_learner *learner;
    struct model reference; /* the policy as the stage found it; only with beta > 0 */
};

/* One step's groups, from one or (dynamic sampling) several rounds of rollouts. */
struct step {
    int index;
    struct rollout_batch rounds[REFILL_ROUNDS_MAX];
    int n_rounds, n, groups, dead;
    struct rl_advantage_stats
        reward;                 /* of the first round: what the policy earns on fresh problems */
    struct rollout_stats stats; /* summed over rounds */
    struct rl_sequence *live;   /* what the update sees, shuffled */
    float *ref_logp;
    int n_live;
    double divergence; /* of all completions from the reference, with kl_in_reward */
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

static void add_stats(struct rollout_stats *to, const struct rollout_stats *s)
{
    to->shortest = to->n ? least(to->shortest, s->shortest) : s->shortest;
    to->terminated_shortest =
        to->n ? least(to->terminated_shortest, s->terminated_shortest) : s->terminated_shortest;
    to->longest = most(to->longest, s->longest);
    to->terminated_longest = most(to->terminated_longest, s->terminated_longest);
    for (int i = 0; i < GRADE_COUNT; i++)
        to->grades[i] += s->grades[i];
    for (int i = 0; i < REASON_COUNT; i++)
        to->reasons[i] += s->reasons[i];
    for (int k = 0; k < REWARD_COUNT; k++) {
        to->part_sum[k] += s->part_sum[k];
        to->part_squares[k] += s->part_squares[k];
    }
    to->infra += s->infra;
    to->right += s->right;
    to->truncated += s->truncated;
    to->n += s->n;
    to->tokens += s->tokens;
    to->terminated_tokens += s->terminated_tokens;
    to->sample_s += s->sample_s;
    to->grade_wait_s += s->grade_wait_s;
}

/* Sets each completion's advantage from the rewards. */
static void round_advantages(const struct recipe_grpo *r, struct rollout_batch *b,
                             struct rl_advantage_stats *ret)
{
    const struct rl_advantage_options opt = {
        .estimator = (enum advantage_estimator)r->advantage,
        .scale = (enum scale_rewards)r->scale_rewards,
        .eps = r->scale_eps,
        .population = r->population_std,
    };
    const size_t n = (size_t)b->n;
    const int groups = b->n / b->group;
    double *values = xcalloc(n * (REWARD_COUNT + 1), sizeof *values), *advantage = values;
    double *sums = values + n, weights[REWARD_COUNT];
    const double *parts[REWARD_COUNT];
    int *lengths = xcalloc(n, sizeof *lengths), n_parts = 0;
    bool *dead = xcalloc((size_t)groups, sizeof *dead);
    for (int k = 0; k < REWARD_COUNT && r->aggregation == NORMALIZE_THEN_SUM; k++)
        if (k == REWARD_GRADE || r->rewards[k] != 0) {
            for (size_t i = 0; i < n; i++)
                sums[(size_t)n_parts * n + i] = b->v[i].parts[k];
            parts[n_parts] = sums + (size_t)n_parts * n;
            weights[n_parts++] = r->rewards[k];
        }
    for (size_t i = 0; i < n && r->aggregation == SUM_THEN_NORMALIZE; i++) {
        sums[i] = b->v[i].reward;
        lengths[i] = b->v[i].n_tokens - b->v[i].n_prompt;
    }
    if (r->aggregation == NORMALIZE_THEN_SUM)
        rl_advantages_each(&opt, parts, weights, n_parts, groups, b->group, advantage, dead, ret);
    else
        rl_advantages(&opt, sums, lengths, groups, b->group, advantage, dead, ret);
    for (int i = 0; i < b->n; i++) {
        b->v[i].advantage = advantage[i];
        b->v[i].dead = dead[i / b->group];
    }
    free(values);
    free(lengths);
    free(dead);
}

/* Rolls out `n` fresh problems and sets each completion's advantage. */
static int round_run(struct grpo *g, int n, struct rollout_batch *b, struct rollout_stats *stats,
                     struct rl_advantage_stats *reward, struct err *err)
{
    const struct recipe_grpo *r = g->recipe;
    const struct task **tasks = xcalloc((size_t)n, sizeof(struct task *));
    uint64_t *streams = xcalloc((size_t)n, sizeof *streams);
    for (int i = 0; i < n; i++) {
        streams[i] = (uint64_t)g->cursor.at * (uint64_t)r->group;
        tasks[i] = &g->tasks.v[task_cursor_next(&g->cursor)];
    }
    struct rollout_request req = {.tasks = tasks,
                                  .streams = streams,
                                  .n_tasks = n,
                                  .group = r->group,
                                  .sampling = r->sampling,
                                  .seed = rl_seed(g->run->recipe->seed, SEED_SAMPLING, g->stage),
                                  .overlong_buffer = r->overlong_buffer};
    memcpy(req.weights, r->rewards, sizeof req.weights);
    int rc = rollout_run(g->run, &req, b, stats, err);
    free(streams);
    free(tasks);
    if (rc == 0)
        round_advantages(r, b, reward);
    return rc;
}

static int dead_groups(const struct rollout_batch *b)
{
    int dead = 0;
    for (int i = 0; i < b->n; i += b->group)
        dead += b->v[i].dead;
    return dead;
}

static int step_sample(struct grpo *g, struct step *s, struct err *err)
{
    int want = g->recipe->prompts_per_step,
        rounds = g->recipe->dynamic_sampling ? REFILL_ROUNDS_MAX : 1;
    while (s->n_rounds < rounds && want > 0) {
        struct rollout_stats stats;
        struct rl_advantage_stats reward = {0};
        struct rollout_batch *b = &s->rounds[s->n_rounds];
        TRY(round_run(g, want, b, &stats, &reward, err));
        if (s->n_rounds++ == 0)
            s->reward = reward;
        add_stats(&s->stats, &stats);
        s->n += b->n;
        s->groups += want;
        if (s->stats.infra == s->n)
            return err_set(err, -EIO,
                           "grpo step %d: the verifier could grade none of %d completions",
                           s->index + 1, s->n);
        want = dead_groups(b);
        s->dead += want;
    }
    return 0;
}

static bool diverges_in_loss(const struct recipe_grpo *r)
{
    return r->beta > 0 && !r->kl_in_reward;
}

static bool diverges_in_reward(const struct recipe_grpo *r)
{
    return r->beta > 0 && r->kl_in_reward;
}

/* Dead groups have advantage zero everywhere: without a KL term they would only cost time. */
static bool is_live(const struct recipe_grpo *r, const struct rollout *x)
{
    if (isnan(x->reward) || (r->mask_truncated && x->truncated))
        return false;
    return diverges_in_loss(r) || !x->dead;
}

/* Groups are shuffled and each stays in one piece, unless a minibatch ends within it: a minibatch
 * computes a prompt for all of its completions at once, and sees advantages that add up to zero. */
static void step_collect(struct grpo *g, struct step *s)
{
    const int group = g->recipe->group, n_groups = s->n / group;
    int *order = xcalloc((size_t)n_groups, sizeof *order);
    const struct rollout **all = xcalloc((size_t)s->n, sizeof(struct rollout *));
    for (int round = 0, at = 0; round < s->n_rounds; round++)
        for (int i = 0; i < s->rounds[round].n; i++)
            all[at++] = &s->rounds[round].v[i];
    s->live = xcalloc((size_t)s->n, sizeof *s->live);
    task_shuffle(rl_seed(g->run->recipe->seed, SEED_MINIBATCHES, g->stage), (uint64_t)s->index,
                 n_groups, order);
    for (int i = 0; i < s->n; i++) {
        const struct rollout *r = all[order[i / group] * group + i % group];
        if (is_live(g->recipe, r))
            s->live[s->n_live++] = (struct rl_sequence){.tokens = r->tokens,
                                                        .n_prompt = r->n_prompt,
                                                        .n_tokens = r->n_tokens,
                                                        .advantage = r->advantage,
                                                        .old_logp = r->logp};
    }
    free(all);
    free(order);
}

/* Fills ref_logp of `n` sequences; the memory is the caller's to free. */
static float *score_reference(struct grpo *g, struct rl_sequence *seqs, int n)
{
    size_t rows = 0;
    for (int i = 0; i < n; i++)
        rows += (size_t)(seqs[i].n_tokens - seqs[i].n_prompt);
    float *logp = xcalloc(rows, sizeof *logp);
    rows = 0;
    for (int i = 0; i < n; i++) {
        seqs[i].ref_logp = logp + rows;
        rows += (size_t)(seqs[i].n_tokens - seqs[i].n_prompt);
    }
    rl_learner_score(g->learner, &g->reference, seqs, n, g->recipe->tokens_per_batch,
                     (float)g->recipe->sampling.temperature);
    world_sum(logp, rows); /* each rank has scored its share, the rest is zero */
    return logp;
}

/* Takes beta times each completion's divergence from the reference off its reward, and makes the
 * advantages anew. */
static void step_penalise(struct grpo *g, struct step *s)
{
    for (int round = 0; round < s->n_rounds; round++) {
        struct rollout_batch *b = &s->rounds[round];
        struct rl_sequence *seqs = xcalloc((size_t)b->n, sizeof *seqs);
        struct rl_advantage_stats stats;
        for (int i = 0; i < b->n; i++)
            seqs[i] = (struct rl_sequence){.tokens = b->v[i].tokens,
                                           .n_prompt = b->v[i].n_prompt,
                                           .n_tokens = b->v[i].n_tokens};
        float *ref = score_reference(g, seqs, b->n);
        for (int i = 0; i < b->n; i++) {
            double divergence = 0;
            for (int t = 0; t < seqs[i].n_tokens - seqs[i].n_prompt; t++)
                divergence += (double)b->v[i].logp[t] - seqs[i].ref_logp[t];
            b->v[i].reward -= g->recipe->beta * divergence;
            s->divergence += divergence;
        }
        round_advantages(g->recipe, b, &stats);
        free(ref);
        free(seqs);
    }
}

static void objective(const void *ctx, const struct rl_pack *p, const struct rl_loss_totals *totals,
                      float *ret_dlogp, struct rl_loss_stats *stats)
{
    const struct rl_loss_batch b = {.n_seq = p->n_seq,
                                    .start = p->row_start,
                                    .advantage = p->advantage,
                                    .new_logp = p->logp,
                                    .old_logp = p->old_logp,
                                    .ref_logp = p->ref_logp};
    rl_loss(ctx, &b, totals, ret_dlogp, stats);
}

/* What the updates of one step add up to. */
struct updates {
    struct rl_loss_stats loss;
    double entropy, grad_norm, first_gap_max,
        first_gap_mean;       /* first_*: before any update, sampler against trainer */
    double low_min, high_max; /* of the updates' clipped shares */
    int n;
};

static int step_update(struct grpo *g, struct step *s, float lr, struct updates *u, struct err *err)
{
    const struct recipe_grpo *r = g->recipe;
    const struct rl_loss_options opt = {.type = (enum loss_type)r->loss_type,
                                        .importance = (enum importance_level)r->importance,
                                        .epsilon = r->epsilon,
                                        .epsilon_high = r->epsilon_high,
                                        .delta = r->delta,
                                        .two_sided = r->two_sided,
                                        .beta = diverges_in_loss(r) ? r->beta : 0,
                                        .kl = (enum kl_estimator)r->kl,
                                        .kl_by_ratio = r->kl_by_ratio,
                                        .max_completion = r->sampling.max_new};
    if (diverges_in_loss(r))
        s->ref_logp = score_reference(g, s->live, s->n_live);
    int parts = r->minibatches < s->n_live ? r->minibatches : s->n_live;
    for (int64_t i = 0; i < (int64_t)r->num_iterations * parts; i++) {
        int part = (int)(i % parts), from = (int)((int64_t)s->n_live * part / parts),
            to = (int)((int64_t)s->n_live * (part + 1) / parts);
        struct rl_step_stats stats;
        rl_learner_step(g->learner, s->live + from, to - from, r->tokens_per_batch,
                        (float)r->sampling.temperature, objective, &opt, lr, &stats);
        if (!isfinite(stats.grad_norm))
            return err_set(
                err, -EDOM,
                "grpo step %d: the gradient is not a number any more; a lower lr may help",
                s->index + 1);
        if (u->n++ == 0) {
            u->first_gap_max = stats.loss.gap_max;
            u->first_gap_mean = stats.loss.gap / (double)stats.loss.tokens;
        }
        double low = stats.loss.clip_low / (double)stats.loss.tokens,
               high = stats.loss.clip_high / (double)stats.loss.tokens;
        u->low_min = i ? fmin(u->low_min, low) : low;
        u->high_max = fmax(u->high_max, high);
        rl_loss_stats_add(&u->loss, &stats.loss);
        u->entropy += stats.entropy;
        u->grad_norm += stats.grad_norm;
        g->run->tokens_trained += stats.tokens;
    }
    return 0;
}

static void metrics_of_update(json_t *m, const struct updates *u)
{
    double tokens = (double)u->loss.tokens;
    if (u->n == 0)
        return;
    json_set_number(m, "policy_loss", u->loss.loss / u->n);
    json_set_number(m, "entropy", u->entropy / u->n);
    json_set_number(m, "kl", u->loss.kl / tokens);
    json_set_number(m, "clip_ratio/low_min", u->low_min);
    json_set_number(m, "clip_ratio/high_max", u->high_max);
    json_set_number(m, "grad_norm", u->grad_norm / u->n);
    json_set_number(m, "clip_ratio/low_mean", u->loss.clip_low / tokens);
    json_set_number(m, "clip_ratio/high_mean", u->loss.clip_high / tokens);
    json_set_number(m, "clip_ratio/region_mean", (u->loss.clip_low + u->loss.clip_high) / tokens);
    json_set_number(m, "ratio/mean", u->loss.ratio / tokens);
    json_set_number(m, "ratio/max", u->loss.ratio_max);
    json_set_number(m, "sampling/logp_difference_max", u->first_gap_max);
    json_set_number(m, "sampling/logp_difference_mean", u->first_gap_mean);
}

/* Means and deviations of every reward, and how many completions ended for which reason: a reason
 * that grows (forbidden, protocol, process-limit) is a policy that attacks its grader. */
static void metrics_of_rewards(json_t *m, const struct rollout_stats *r)
{
    static const char *const names[] = REWARD_NAMES, *const reasons[] = REASON_NAMES;
    char key[64];
    int graded = r->n - r->infra;
    for (int k = 0; k < REWARD_COUNT; k++) {
        double mean = r->part_sum[k] / graded;
        snprintf(key, sizeof key, "rewards/%s/mean", names[k]);
        json_set_number(m, key, mean);
        snprintf(key, sizeof key, "rewards/%s/std", names[k]);
        json_set_number(m, key, sqrt(fmax(0, r->part_squares[k] / graded - mean * mean)));
    }
    for (int i = 1; i < REASON_COUNT; i++)
        if (r->reasons[i]) {
            snprintf(key, sizeof key, "reasons/%s", reasons[i]);
            json_object_set_new(m, key, json_integer(r->reasons[i]));
        }
}

/* How long a step took. `idle` and `cpu` are of the team and of this process, the verifier's apart. */
struct spent {
    double step, update, idle, cpu;
};

static json_t *metrics_of(const struct grpo *g, const struct step *s, const struct updates *u,
                          double lr, const struct spent *spent)
{
    const struct rollout_stats *r = &s->stats;
    int graded = r->n - r->infra;
    json_t *m = json_pack("{s:s, s:i, s:i}", "stage", "grpo", "stage_index", g->stage, "step",
                          s->index + 1);
    json_set_number(m, "reward", s->reward.reward_mean);
    json_set_number(m, "reward_std", s->reward.reward_std);
    metrics_of_rewards(m, r);
    json_set_number(m, "frac_reward_zero_std",
                    (double)s->reward.dead / g->recipe->prompts_per_step);
    json_set_number(m, "pass_rate", (double)r->right / graded);
    json_set_grades(m, "grades/", r->grades);
    json_object_set_new(m, "grades/infra", json_integer(r->infra));
    json_set_number(m, "completions/mean_length", (double)r->tokens / r->n);
    json_object_set_new(m, "completions/min_length", json_integer(r->shortest));
    json_object_set_new(m, "completions/max_length", json_integer(r->longest));
    if (r->n > r->truncated) {
        json_set_number(m, "completions/mean_terminated_length",
                        (double)r->terminated_tokens / (r->n - r->truncated));
        json_object_set_new(m, "completions/min_terminated_length",
                            json_integer(r->terminated_shortest));
        json_object_set_new(m, "completions/max_terminated_length",
                            json_integer(r->terminated_longest));
    }
    json_set_number(m, "completions/clipped_ratio", (double)r->truncated / r->n);
    metrics_of_update(m, u);
    if (diverges_in_reward(g->recipe))
        json_set_number(m, "kl", s->divergence / (double)r->tokens);
    json_set_number(m, "learning_rate", lr);
    json_object_set_new(m, "groups", json_integer(s->groups));
    json_object_set_new(m, "groups/dead", json_integer(s->dead));
    json_object_set_new(m, "sequences/trained", json_integer(s->n_live));
    json_object_set_new(m, "num_tokens", json_integer(g->run->tokens_trained));
    json_set_number(m, "step_time", spent->step);
    json_set_number(m, "time/sample", r->sample_s);
    json_set_number(m, "time/grade_wait", r->grade_wait_s);
    json_set_number(m, "time/update", spent->update);
    json_set_number(m, "time/idle", spent->idle);
    json_set_number(m, "time/cpu", spent->cpu);
    json_set_number(m, "tokens_per_s", (double)r->tokens / r->sample_s);
    json_set_number(m, "verdicts_per_s", graded / (r->sample_s + r->grade_wait_s));
    return m;
}

static int step_record(struct grpo *g, const struct step *s, struct err *err)
{
    int every = g->recipe->log_completions_every,
        number = rl_grpo_steps(g->run->recipe, g->stage) + s->index + 1;
    if (!g->run->log || every <= 0 || s->index % every != 0)
        return 0;
    for (int round = 0; round < s->n_rounds; round++)
        for (int i = 0; i < s->rounds[round].n; i++)
            TRY(runlog_completion(g->run->log, number, rollout_json(&s->rounds[round].v[i]), err));
    return 0;
}

static void step_show(const struct grpo *g, const struct step *s, double step_s)
{
    const struct rollout_stats *r = &s->stats;
    struct progress_step p = PROGRESS_STEP_NONE;
    p.step = s->index + 1;
    p.reward = s->reward.reward_mean;
    p.pass = (double)r->right / (r->n - r->infra);
    p.length = (double)r->tokens / r->n;
    memcpy(p.grades, r->grades, sizeof p.grades);
    p.tokens_per_s = (double)r->tokens / step_s;
    p.verdicts_per_s = r->n / step_s;
    if (g->run->progress)
        progress_step(g->run->progress, &p);
}

static int step_run(struct grpo *g, struct step *s, struct err *err)
{
    struct updates u = {0};
    const double started = wall_s(), idle = team_idle_s(g->run->team), cpu = cpu_s();
    const double lr = recipe_lr_at(&g->recipe->lr, s->index, g->recipe->steps);
    TRY(step_sample(g, s, err));
    double sampled = wall_s();
    if (diverges_in_reward(g->recipe))
        step_penalise(g, s);
    step_collect(g, s);
    if (s->n_live > 0)
        TRY(step_update(g, s, (float)lr, &u, err));
    const double done = wall_s();
    const struct spent spent = {.step = done - started,
                                .update = done - sampled,
                                .idle = team_idle_s(g->run->team) - idle,
                                .cpu = cpu_s() - cpu};
    TRY(step_record(g, s, err));
    json_t *line = metrics_of(g, s, &u, lr, &spent);
    verifiers_metrics(g->run, line);
    TRY(rl_run_metrics(g->run, line, err));
    step_show(g, s, spent.step);
    return 0;
}

static void step_free(struct step *s)
{
    for (int round = 0; round < s->n_rounds; round++)
        rollout_free(&s->rounds[round]);
    free(s->live);
    free(s->ref_logp);
}

static struct stage_state state_after(const struct grpo *g, int steps, int64_t cursor)
{
    return (struct stage_state){.step = steps,
                                .cursor = cursor,
                                .adamw = rl_learner_adamw(g->learner),
                                .reference = g->recipe->beta > 0 ? &g->reference : NULL};
}

/* The run was asked to end while it sampled: what was done before this step is saved, as if the step
 * had not begun. `before` is the run as it was then. */
static int leave(struct grpo *g, int from, const struct stage_state *state,
                 const struct rl_run *before, stage_save save, void *ctx, struct err *err)
{
    const int every = g->recipe->save_every;
    if (!save || state->step == from || (every > 0 && state->step % every == 0))
        return -EINTR;
    g->run->verdicts = before->verdicts;
    g->run->infra = before->infra;
    g->run->tokens_sampled = before->tokens_sampled;
    g->run->tokens_trained = before->tokens_trained;
    g->run->watched = before->watched;
    TRY(save(ctx, g->run, g->stage, state, err));
    return -EINTR;
}

static int grpo_steps(struct grpo *g, int from, stage_save save, void *ctx, struct err *err)
{
    for (int i = from; i < g->recipe->steps; i++) {
        struct step s = {.index = i};
        const struct rl_run before = *g->run;
        struct stage_state state = state_after(g, i, g->cursor.at);
        int rc = step_run(g, &s, err);
        step_free(&s);
        if (rc == -EINTR)
            return leave(g, from, &state, &before, save, ctx, err);
        if (rc < 0)
            return rc;
        state = state_after(g, i + 1, g->cursor.at);
        TRY(rl_run_step_done(g->run, g->stage, &state, g->recipe->save_every, save, ctx, err));
    }
    return 0;
}

/* An answer can be right only where one is known. */
static int check_answers(const struct grpo *g, struct err *err)
{
    for (int i = 0; i < g->tasks.n && g->recipe->rewards[REWARD_MATH] != 0; i++) {
        const struct task *t = &g->tasks.v[i];
        const struct str solution = str_of(t->demonstration ? t->demonstration : "");
        if (isnan(rl_reward_math(solution, solution)))
            return err_set(err, -EINVAL,
                           "%s: rewards.math: the `demonstration` of problem %s holds no answer",
                           g->recipe->problems, t->id);
    }
    return 0;
}

int grpo_stage(struct rl_run *run, int stage, const struct stage_state *resume, stage_save save,
               void *ctx, struct err *err)
{
    const struct recipe_grpo *recipe = &run->recipe->stages[stage].grpo;
    struct grpo g = {.run = run, .recipe = recipe, .stage = stage};
    TRY(rl_run_tasks(run, recipe->source, &g.tasks, err));
    task_cursor_start(&g.cursor, rl_seed(run->recipe->seed, SEED_PROBLEMS, stage), g.tasks.n,
                      resume ? resume->cursor : 0);
    int rc = check_answers(&g, err);
    if (rc == 0)
        rc = rl_learner_new(&run->model, run->team, &recipe->adamw, &g.learner, err);
    if (rc == 0 && recipe->beta > 0 &&
        (rc = model_snapshot(resume ? resume->reference : &run->model, &g.reference)) < 0)
        err_set(err, rc, "no memory for the reference: a second model beside the policy");
    if (rc == 0 && resume)
        rl_learner_resume(g.learner, resume->adamw);
    if (rc == 0) {
        if (run->progress)
            progress_stage(run->progress, "grpo", recipe->steps);
        rc = grpo_steps(&g, resume ? resume->step : 0, save, ctx, err);
    }
    if (recipe->beta > 0)
        model_free(&g.reference);
    rl_learner_free(g.learner);
    task_cursor_free(&g.cursor);
    task_set_free(&g.tasks);
    return rc;
}
