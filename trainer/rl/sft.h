/* sft.h: the supervised stage: the model learns to continue prompts as the data does. */
#ifndef ASSAY_RL_SFT_H
#define ASSAY_RL_SFT_H

#include "trainer/rl/dataset.h"
#include "trainer/rl/run.h"

/* Reads the rows that `data` names, from files and from the verifier's problems, as text; adds
 * them to *d, which stays the caller's also on failure. */
int sft_read(struct rl_run *run, const struct recipe_data *data, int n, enum dataset_tasks which,
             struct dataset *d, struct err *err);
/* Trains run->model on the stage's data. `resume`: what a save was given, to go on from there
 * (copied); NULL: from the beginning. */
int sft_stage(struct rl_run *run, int stage, const struct stage_state *resume, stage_save save,
              void *ctx, struct err *err);

#endif
