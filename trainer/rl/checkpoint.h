/* checkpoint.h: a run that can be killed at any time. RUN/checkpoints/step_N holds the policy
 * after N GRPO steps as a Hugging Face folder (with LoRA the adapter as PEFT's), the optimiser's state, and state.json: where the
 * run stood. It appears complete or not at all, and the two newest are kept. */
#ifndef ASSAY_RL_CHECKPOINT_H
#define ASSAY_RL_CHECKPOINT_H

#include "trainer/rl/grpo.h"

struct checkpoint {
    int stage;              /* to go on with */
    struct grpo_state grpo; /* step > 0: in the middle of that stage */
    json_t *evals;          /* results of the eval stages so far, an array */
    double seconds;         /* that the run had taken */
};

/* Saves run->model and all of *at in the run's folder. */
int checkpoint_save(struct rl_run *run, const struct checkpoint *at, struct err *err);

/* Loads the newest checkpoint below `dir` into run->model and run->tok, and cuts from the run's
 * records what came after it. 1 when there was one, 0 when there is none. Owned by the caller:
 * checkpoint_free. */
int checkpoint_load(struct rl_run *run, const char *dir, struct checkpoint *ret, struct err *err);
void checkpoint_free(struct checkpoint *c);

/* The policy and its tokenizer as a Hugging Face folder. */
int policy_save(const struct model *m, const struct tokenizer *tok, const char *dir, bool bf16,
                struct err *err);
int policy_load(const char *dir, struct model *ret_model, struct tokenizer **ret_tok,
                struct err *err);

#endif
