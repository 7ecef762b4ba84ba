#include "trainer/rl/learner.h"

#include <math.h>

#include "base/check.h"
#include "trainer/kernels/pages.h"
#include "trainer/kernels/reduce.h"
#include "trainer/rl/share.h"
#include "trainer/rl/world.h"

struct worker {
    struct model_run *run;
    float *grads;
    struct rl_pack pack;
    const struct rl_sequence *const *seqs; /* of the batch, lent by the learner's share */
    int *cut; /* micro-batch b is seqs[cut[b]] .. seqs[cut[b + 1] - 1] */
    int n_seqs, n_batches, cap;
    long tokens;
    double entropy;
    struct rl_loss_stats stats;
};

struct rl_learner {
    struct model *model;
    size_t n_trained;
    struct team *team;
    struct adamw adamw;
    float clip;
    struct worker *workers; /* of all ranks; those of others have sequences and nothing else */
    float **grads;          /* workers[first + i].grads, for the reduction */
    int n_workers, first, n_here;
    struct rl_share share;
};

/* What one team_run is about. */
struct pass {
    struct rl_learner *learner;
    const struct model *model; /* to score with; NULL: train the learner's own */
    float temperature;
    rl_objective objective;
    const void *ctx;
    struct rl_loss_totals totals;
};

int rl_learner_new(struct model *m, struct team *team, const struct recipe_adamw *adamw,
                   struct rl_learner **ret, struct err *err)
{
    struct rl_learner *l = xcalloc(1, sizeof *l);
    l->model = m;
    l->n_trained = model_trained(m).n;
    l->team = team;
    l->clip = (float)adamw->clip;
    l->n_here = team_size(team);
    l->n_workers = l->n_here * world_size();
    l->first = l->n_here * world_rank();
    l->workers = xcalloc((size_t)l->n_workers, sizeof *l->workers);
    l->grads = xcalloc((size_t)l->n_here, sizeof *l->grads);
    int rc = adamw_new(m, (float)adamw->betas[0], (float)adamw->betas[1], (float)adamw->eps,
                       (float)adamw->weight_decay, &l->adamw);
    for (int w = 0; rc == 0 && w < l->n_here; w++) {
        struct worker *worker = &l->workers[l->first + w];
        worker->run = model_run_new(m);
        l->grads[w] = worker->grads = pages_zeroed(l->n_trained);
        rc = worker->run && l->grads[w] ? 0 : -ENOMEM;
    }
    if (rc < 0) {
        const size_t n = l->n_trained;
        rl_learner_free(l);
        return err_set(err, rc, "no memory to train %zu parameters on %d cores", n,
                       team_size(team));
    }
    *ret = l;
    return 0;
}

void rl_learner_free(struct rl_learner *l)
{
    if (!l)
        return;
    for (int w = 0; w < l->n_workers; w++) {
        struct worker *worker = &l->workers[w];
        if (worker->run)
            model_run_free(worker->run);
        free(worker->grads);
        free(worker->cut);
        rl_pack_free(&worker->pack);
    }
    adamw_free(&l->adamw);
    free(l->workers);
    free(l->grads);
    rl_share_free(&l->share);
    free(l);
}

struct adamw *rl_learner_adamw(struct rl_learner *l)
{
    return &l->adamw;
}

void rl_learner_resume(struct rl_learner *l, const struct adamw *from)
{
    memcpy(l->adamw.m, from->m, l->n_trained * sizeof *from->m);
    memcpy(l->adamw.v, from->v, l->n_trained * sizeof *from->v);
    l->adamw.step = from->step;
}

static void cut_into_batches(struct worker *worker, int tokens_per_batch)
{
    int filled = 0;
    worker->n_batches = 0;
    worker->tokens = 0;
    for (int i = 0; i < worker->n_seqs; i++) {
        int more = rl_packed_tokens(worker->seqs[i], i ? worker->seqs[i - 1] : NULL);
        if (i == 0 || filled + more > tokens_per_batch) {
            worker->cut[worker->n_batches++] = i;
            more = rl_packed_tokens(worker->seqs[i], NULL);
            filled = 0;
        }
        filled += more;
        worker->tokens += more;
    }
    worker->cut[worker->n_batches] = worker->n_seqs;
}

/* Gives every worker its sequences and cuts them into micro-batches. */
static void share_out(struct rl_learner *l, const struct rl_sequence *seqs, int n,
                      int tokens_per_batch)
{
    rl_share_out(&l->share, seqs, n, l->n_workers);
    for (int w = 0; w < l->n_workers; w++) {
        struct worker *worker = &l->workers[w];
        worker->seqs = l->share.v + l->share.start[w];
        worker->n_seqs = l->share.start[w + 1] - l->share.start[w];
        if (worker->n_seqs + 1 > worker->cap) {
            worker->cap = 2 * worker->n_seqs + 1;
            worker->cut = xrealloc(worker->cut, (size_t)worker->cap, sizeof *worker->cut);
        }
        cut_into_batches(worker, tokens_per_batch);
    }
}

static struct rl_loss_totals totals_of(const struct rl_learner *l)
{
    struct rl_loss_totals t = {0};
    for (int w = 0; w < l->n_workers; w++) {
        const struct worker *worker = &l->workers[w];
        t.sequences += worker->n_seqs;
        t.micro_batches += worker->n_batches;
        for (int i = 0; i < worker->n_seqs; i++)
            t.tokens += worker->seqs[i]->n_tokens - worker->seqs[i]->n_prompt;
    }
    return t;
}

static void train_share(void *ctx, int w)
{
    const struct pass *pass = ctx;
    struct worker *worker = &pass->learner->workers[pass->learner->first + w];
    struct rl_pack *p = &worker->pack;
    memset(worker->grads, 0, pass->learner->n_trained * sizeof(float));
    worker->stats = (struct rl_loss_stats){0};
    worker->entropy = 0;
    for (int b = 0; b < worker->n_batches; b++) {
        rl_pack_fill(p, worker->seqs + worker->cut[b], worker->cut[b + 1] - worker->cut[b]);
        model_forward(worker->run, pass->learner->model, &p->batch, pass->temperature, p->logp,
                      p->entropy);
        pass->objective(pass->ctx, p, &pass->totals, p->dlogp, &worker->stats);
        model_backward(worker->run, pass->learner->model, &p->batch, p->dlogp, worker->grads);
        for (int r = 0; r < p->batch.n_rows; r++)
            worker->entropy += p->entropy[r];
    }
}

static void score_share(void *ctx, int w)
{
    const struct pass *pass = ctx;
    struct worker *worker = &pass->learner->workers[pass->learner->first + w];
    struct rl_pack *p = &worker->pack;
    for (int b = 0; b < worker->n_batches; b++) {
        const struct rl_sequence *const *seqs = worker->seqs + worker->cut[b];
        rl_pack_fill(p, seqs, worker->cut[b + 1] - worker->cut[b]);
        model_forward(worker->run, pass->model, &p->batch, pass->temperature, p->logp, NULL);
        for (int s = 0; s < p->n_seq; s++)
            memcpy(seqs[s]->ref_logp, p->logp + p->row_start[s],
                   (size_t)(p->row_start[s + 1] - p->row_start[s]) * sizeof *p->logp);
    }
}

/* What the workers of other ranks found in their shares. */
static void gather_stats(struct rl_learner *l)
{
    struct found {
        struct rl_loss_stats stats;
        double entropy;
    } *all = xcalloc((size_t)l->n_workers + (size_t)l->n_here, sizeof *all),
      *mine = all + l->n_workers;
    for (int w = 0; w < l->n_here; w++)
        mine[w] = (struct found){l->workers[l->first + w].stats, l->workers[l->first + w].entropy};
    world_gather(mine, (size_t)l->n_here * sizeof *mine, all);
    for (int w = 0; w < l->n_workers; w++) {
        l->workers[w].stats = all[w].stats;
        l->workers[w].entropy = all[w].entropy;
    }
    free(all);
}

void rl_learner_step(struct rl_learner *l, const struct rl_sequence *seqs, int n,
                     int tokens_per_batch, float temperature, rl_objective objective,
                     const void *ctx, float lr, struct rl_step_stats *ret)
{
    CHECK(n > 0);
    share_out(l, seqs, n, tokens_per_batch);
    struct pass pass = {.learner = l,
                        .temperature = temperature,
                        .objective = objective,
                        .ctx = ctx,
                        .totals = totals_of(l)};
    team_run(l->team, train_share, &pass);
    gather_stats(l);
    struct rl_step_stats stats = {0};
    for (int w = 0; w < l->n_workers; w++) {
        rl_loss_stats_add(&stats.loss, &l->workers[w].stats);
        stats.entropy += l->workers[w].entropy / (double)pass.totals.tokens;
        stats.tokens += l->workers[w].tokens;
    }
    grads_reduce(l->grads, l->n_here, l->n_trained, l->team);
    world_sum(l->grads[0], l->n_trained);
    stats.grad_norm = adamw_step(&l->adamw, l->model, l->grads[0], lr, l->clip, l->team);
    *ret = stats;
}

void rl_learner_score(struct rl_learner *l, const struct model *m, const struct rl_sequence *seqs,
                      int n, int tokens_per_batch, float temperature)
{
    share_out(l, seqs, n, tokens_per_batch);
    struct pass pass = {.learner = l, .model = m, .temperature = temperature};
    team_run(l->team, score_share, &pass);
}
