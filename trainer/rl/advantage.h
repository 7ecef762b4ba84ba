/* advantage.h: from the rewards of groups of completions to advantages. Pure: no I/O, no
 * allocation.
 *
 * Rewards lie group after group: group g is rewards[g * group .. (g + 1) * group - 1]. A NaN
 * reward means that the grader failed: it is left out of every mean and deviation, and its own
 * advantage is 0. */
#ifndef ASSAY_RL_ADVANTAGE_H
#define ASSAY_RL_ADVANTAGE_H

#include <stdbool.h>

#include "trainer/rl/recipe.h"

/* Added to every deviation that an advantage is divided by. */
#define RL_ADVANTAGE_EPS 1e-4

struct rl_advantage_stats {
    int graded;         /* rewards that are numbers */
    int dead;           /* groups that teach nothing: rewards all equal, or fewer than two graded */
    double reward_mean; /* over graded rewards; NaN when there are none */
    double reward_std;  /* mean over groups of the group's deviation */
};

/* (r - mean of its group), divided by the group's deviation, the whole batch's, or nothing
 * (SCALE_NONE); deviations are sample deviations (n - 1). ret_advantage[n_groups * group];
 * ret_dead[n_groups] may be NULL. Equality of rewards is exact, so that rounding never makes a
 * signal out of a constant group and a small real difference is never dropped. */
void rl_advantages(const double *rewards, int n_groups, int group, enum scale_rewards scale,
                   double *ret_advantage, bool *ret_dead, struct rl_advantage_stats *ret_stats);

#endif
