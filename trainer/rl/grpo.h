/* grpo.h: the reinforcement stage: groups of graded completions become policy updates. */
#ifndef ASSAY_RL_GRPO_H
#define ASSAY_RL_GRPO_H

#include "trainer/rl/run.h"

/* All that the next step depends on besides the policy itself. */
struct grpo_state {
    int step;       /* steps done */
    int64_t cursor; /* problems drawn */
    const struct adamw *adamw;
    const struct model *reference; /* NULL without beta */
};

/* Called every save_every steps. */
typedef int (*grpo_save)(void *ctx, struct rl_run *run, int stage, const struct grpo_state *state,
                         struct err *err);

/* `resume`: what a save was given, to go on from there (copied); NULL: from the beginning. */
int grpo_stage(struct rl_run *run, int stage, const struct grpo_state *resume, grpo_save save,
               void *ctx, struct err *err);

#endif
