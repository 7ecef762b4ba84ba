/* setup.h: what a run needs before its first stage, made and taken down in the right order. */
#ifndef ASSAY_RL_SETUP_H
#define ASSAY_RL_SETUP_H

#include "trainer/rl/run.h"

/* Loads the model that the recipe names, starts the team, and reaches (or starts) the verifier
 * when the recipe has any use for one. Nothing is written to the run's folder. On failure
 * everything is taken down again. */
int rl_setup(struct rl_run *run, const struct recipe *recipe, struct err *err);
/* Without a model path: trains the tokenizer and creates the model. Does nothing when run->tok
 * is there already. */
int rl_setup_policy(struct rl_run *run, struct err *err);
/* What the verifier said on stderr goes into the run's folder, if it has one. */
void rl_takedown(struct rl_run *run);

#endif
