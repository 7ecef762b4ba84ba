/* grpo.h: the reinforcement stage: groups of graded completions become policy updates. */
#ifndef ASSAY_RL_GRPO_H
#define ASSAY_RL_GRPO_H

#include "trainer/rl/run.h"

/* `resume`: what a save was given, to go on from there (copied); NULL: from the beginning. */
int grpo_stage(struct rl_run *run, int stage, const struct stage_state *resume, stage_save save,
               void *ctx, struct err *err);

#endif
