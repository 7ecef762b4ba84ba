/* checkpoint.h: a run that can be killed at any time. RUN/checkpoints/step_N holds the policy after N
 * GRPO steps as a Hugging Face folder (with LoRA the adapter as PEFT's), the optimiser's state, and
 * state.json: where the run stood; stage_S_step_N the same in the middle of SFT stage S, or before
 * stage S where SFT came after GRPO (N = 0). One appears complete or not at all. The recipe says how
 * many stay. */
#ifndef ASSAY_RL_CHECKPOINT_H
#define ASSAY_RL_CHECKPOINT_H

#include <limits.h>

#include "trainer/rl/grpo.h"

struct checkpoint {
    int stage;             /* to go on with */
    struct stage_state at; /* step > 0: in the middle of that stage */
    json_t *evals;         /* results of the eval stages so far, an array */
    double seconds;        /* that the run had taken */
    long metrics_bytes;    /* of metrics.jsonl, when it was made */
};

/* Saves run->model and all of *at in the run's folder, and removes what need not stay. A disk that
 * is full is an error that names the file; the checkpoints that were there stay whole. */
int checkpoint_save(struct rl_run *run, const struct checkpoint *at, struct err *err);

/* Loads the newest checkpoint below `dir` into run->model and run->tok. 1 when there was one, 0 when
 * there is none. Owned by the caller: checkpoint_free. */
int checkpoint_load(struct rl_run *run, const char *dir, struct checkpoint *ret, struct err *err);
/* Cuts from the records below `dir` what came after the checkpoint: it will be made again. */
int checkpoint_cut(const struct rl_run *run, const char *dir, const struct checkpoint *c,
                   struct err *err);
void checkpoint_free(struct checkpoint *c);

/* The folder of the best checkpoint below `dir` by recipe.best_metric into ret_path, its number into
 * *ret_value. False when no checkpoint has one. */
bool checkpoint_best(const struct recipe *r, const char *dir, char ret_path[PATH_MAX],
                     double *ret_value);

/* The policy and its tokenizer as a Hugging Face folder. */
int policy_save(const struct model *m, const struct tokenizer *tok, const char *dir, bool bf16,
                struct err *err);
int policy_load(const char *dir, struct model *ret_model, struct tokenizer **ret_tok,
                struct err *err);

#endif
