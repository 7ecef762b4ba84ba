/* rollout_share.h: which rank samples and grades which completions, and how all come to have them. */
#ifndef ASSAY_RL_ROLLOUT_SHARE_H
#define ASSAY_RL_ROLLOUT_SHARE_H

#include "trainer/rl/rollout.h"
#include "trainer/rl/world.h"

/* The prompts 0 .. n-1 that this rank's `workers` workers take, whole groups, into ret[0 .. count-1]
 * (room for n); returns the count. A worker of one rank gets what that worker of one large team
 * would. */
int rollout_share(int n, int workers, int *ret);
/* Fills in what other ranks sampled and graded; sums b->tokens_sampled. */
int rollout_exchange(struct rollout_batch *b, int workers, struct err *err);

#endif
