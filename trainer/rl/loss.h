/* loss.h: the clipped policy-gradient objectives of the GRPO family, as a value and its derivative
 * by each token's log-probability. Pure: no I/O, no allocation.
 *
 * With rho = exp(new - old) (or, at sequence level, exp of its mean over the sequence) and
 * advantage A, the term of a token is
 *   clipped  -min(min(rho, delta) * A, clip(rho, 1 - epsilon, 1 + epsilon_high) * A)
 *   cispo    -stop_gradient(min(rho, epsilon_high)) * A * new, or with two_sided
 *            -stop_gradient(clip(rho, 1 - epsilon, 1 + epsilon_high)) * A * new
 *   sapo     -sigmoid(tau (rho - 1)) * 4 / tau * A, tau = 1 where A > 0, else 1.05
 * plus beta times an estimate of the divergence from the reference (Schulman 2020), with
 * d = ref - new:
 *   k1 -d      k2 d^2 / 2      k3 exp(d) - d - 1
 * The types differ in what a token's term is divided by:
 *   grpo, gspo, sapo  its sequence's length, then the sequences of the accumulated batch
 *   dapo, cispo       the tokens of the accumulated batch
 *   bnpo              the tokens of its micro-batch, then the number of micro-batches
 *   dr_grpo           the sequences of the accumulated batch times max_completion
 *   sum_norm          max_completion alone
 * gspo is grpo with the ratio of the sequence. */
#ifndef ASSAY_RL_LOSS_H
#define ASSAY_RL_LOSS_H

#include <stdbool.h>

#include "trainer/rl/recipe.h"

struct rl_loss_options {
    enum loss_type type;
    enum importance_level importance;
    double epsilon,
        epsilon_high; /* cispo: epsilon_high is the cap on rho itself, unless two_sided */
    bool two_sided;
    double delta; /* upper bound on rho for negative advantages; 0: none */
    double beta;  /* weight of the divergence; 0: ref_logp is not read */
    enum kl_estimator kl;
    bool kl_by_ratio;   /* the divergence of a token is weighted by its rho, as its samples are */
    int max_completion; /* the constant of dr_grpo and sum_norm */
};

/* A micro-batch: the completion tokens of sequence s are start[s] .. start[s + 1] - 1. */
struct rl_loss_batch {
    int n_seq;
    const int *start;        /* n_seq + 1 */
    const double *advantage; /* n_seq */
    const float *new_logp, *old_logp, *ref_logp;
};

/* The accumulated batch that one optimiser step sees, over all micro-batches and workers. What was
 * left out of it (a group without a difference, a masked completion) is in no denominator. */
struct rl_loss_totals {
    long sequences, tokens, micro_batches;
};

/* Sums, added to by every rl_loss call; divide by `tokens` for means. */
struct rl_loss_stats {
    double loss;         /* divided as above: all micro-batches added make the batch's loss */
    double kl;           /* of the estimator in use */
    double gap, gap_max; /* |new - old| */
    double ratio, ratio_max;
    double clip_low, clip_high; /* tokens held back by the lower and by the upper bound */
    long tokens;
};

/* ret_dlogp[start[n_seq]] = dLoss/dnew_logp. Adds to *stats. */
void rl_loss(const struct rl_loss_options *opt, const struct rl_loss_batch *batch,
             const struct rl_loss_totals *totals, float *ret_dlogp, struct rl_loss_stats *stats);

void rl_loss_stats_add(struct rl_loss_stats *to, const struct rl_loss_stats *from);

#endif
