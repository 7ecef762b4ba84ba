/* summary.h: a run in a few numbers: what the evaluations before and after the reinforcement
 * stages say. */
#ifndef ASSAY_RL_SUMMARY_H
#define ASSAY_RL_SUMMARY_H

#include "trainer/rl/run.h"

/* A new object with the keys that report.h lists, and "hard" (the hardest level: the same four
 * numbers and "ops"), "stages" (spent.h), "model_dir", "infra", and with the recipe's own `verifier.urls` "verifiers":
 * [{"url", "verdicts", "refusals", "up"}]. `evals`: what evaluate_stage returned, in order.
 * Before: the last one ahead of the first GRPO stage; after: the last one behind the last GRPO
 * stage. What was not measured is left out. */
json_t *summary_make(const struct rl_run *run, const json_t *evals, double seconds,
                     const char *model_dir);

#endif
