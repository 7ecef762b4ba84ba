/* advantage.h: from the rewards of groups of completions to advantages. Pure: no I/O, no
 * allocation.
 *
 * Rewards lie group after group: group g is rewards[g * group .. (g + 1) * group - 1]. A NaN
 * reward means that the grader failed: it is left out of every mean and deviation, and its own
 * advantage is 0. With m and s the mean and deviation of its group, n the number of graded rewards
 * in it, a reward r becomes
 *   grpo                  (r - m) / (s + eps), or / (the batch's deviation + eps), or r - m
 *   rloo                  (r - m) n / (n - 1): against the mean of the others
 *   max_rl                (r - m) / m, 0 where m <= 0
 *   reinforce_pp          (r - M) / sqrt(V + 1e-8)
 *   reinforce_pp_baseline the same of r - m
 * where M and V are mean and variance over the completion *tokens* of the batch, each of which
 * carries its completion's reward (REINFORCE++, Hu 2025, with no discount). */
#ifndef ASSAY_RL_ADVANTAGE_H
#define ASSAY_RL_ADVANTAGE_H

#include <stdbool.h>

#include "trainer/rl/recipe.h"

struct rl_advantage_options {
    enum advantage_estimator estimator;
    enum scale_rewards scale; /* grpo only */
    double eps;               /* added to every deviation that is divided by */
    bool population;          /* deviations with n in the denominator, else n - 1 */
};
#define RL_ADVANTAGE_OPTIONS_DEFAULT ((struct rl_advantage_options){.eps = 1e-4})

struct rl_advantage_stats {
    int graded; /* rewards that are numbers */
    int dead;   /* groups without a difference: rewards all equal, or fewer than two graded */
    double reward_mean; /* over graded rewards; NaN when there are none */
    double reward_std;  /* mean over groups of the group's deviation */
};

/* ret_advantage[n_groups * group]. `lengths` are the completions' tokens, read by the two
 * reinforce_pp only. ret_dead[n_groups] (may be NULL): every advantage of the group is 0, so that
 * it teaches nothing. Equality of rewards is exact, so that rounding never makes a signal out of a
 * constant group and a small real difference is never dropped. */
void rl_advantages(const struct rl_advantage_options *opt, const double *rewards,
                   const int *lengths, int n_groups, int group, double *ret_advantage,
                   bool *ret_dead, struct rl_advantage_stats *ret_stats);

/* Several rewards, each normalised within its group before they are added (GDPO): z_k is the grpo
 * advantage of rewards[k], their sum weighted by weights[k] is brought to mean 0 and deviation 1
 * over the batch. A completion that any reward failed to grade is left out of all. `rewards` points
 * to n_rewards arrays; ret_stats is of the first. */
void rl_advantages_each(const struct rl_advantage_options *opt, const double *const *rewards,
                        const double *weights, int n_rewards, int n_groups, int group,
                        double *ret_advantage, bool *ret_dead,
                        struct rl_advantage_stats *ret_stats);

#endif
