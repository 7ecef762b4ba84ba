/* learner.h: one optimiser step over a batch of sequences, shared out over the team, or over the teams
 * of all ranks (world.h), which then call every function here together.
 *
 * The batch is split by index and token count alone, each worker runs its share in micro-batches
 * through its own activations into its own gradients, and the parts are summed in a fixed order:
 * the same batch on the same number of workers gives the same bits. */
#ifndef ASSAY_RL_LEARNER_H
#define ASSAY_RL_LEARNER_H

#include "trainer/kernels/team.h"
#include "trainer/rl/loss.h"
#include "trainer/rl/pack.h"

/* Fills pack->dlogp from pack->logp (and old_logp, ref_logp, advantage) for one micro-batch;
 * adds to *stats. Called from workers. */
typedef void (*rl_objective)(const void *ctx, const struct rl_pack *pack,
                             const struct rl_loss_totals *totals, float *ret_dlogp,
                             struct rl_loss_stats *stats);

struct rl_step_stats {
    struct rl_loss_stats loss;
    double entropy;   /* mean, nats */
    double grad_norm; /* before clipping; not finite: the step changed nothing */
    long tokens;      /* that went through the model */
};

struct rl_learner;
int rl_learner_new(struct model *m, struct team *team, const struct recipe_adamw *adamw,
                   struct rl_learner **ret, struct err *err);
void rl_learner_free(struct rl_learner *l);
struct adamw *rl_learner_adamw(struct rl_learner *l);
/* Takes over moments and step count (copied). */
void rl_learner_resume(struct rl_learner *l, const struct adamw *from);

/* tokens_per_batch bounds a micro-batch (a single longer sequence is a micro-batch of its own). */
void rl_learner_step(struct rl_learner *l, const struct rl_sequence *seqs, int n,
                     int tokens_per_batch, float temperature, rl_objective objective,
                     const void *ctx, float lr, struct rl_step_stats *ret);

/* Log-probabilities of the scored tokens under `m` (of the learner's shape) into each sequence's
 * ref_logp; with several ranks only those of this rank's share are written. */
void rl_learner_score(struct rl_learner *l, const struct model *m, const struct rl_sequence *seqs,
                      int n, int tokens_per_batch, float temperature);

#endif
