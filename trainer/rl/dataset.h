/* dataset.h: what supervised training imitates: rows of a prompt and its completion, in tokens,
 * and the order they come in. */
#ifndef ASSAY_RL_DATASET_H
#define ASSAY_RL_DATASET_H

#include "base/arena.h"
#include "trainer/rl/pack.h"
#include "trainer/rl/task.h"

struct text_row {
    struct str prompt, completion; /* the prompt as the model sees it */
};

struct dataset {
    struct arena arena;
    struct text_row *text;
    struct rl_sequence *rows; /* made by dataset_tokenise; the completion ends with eos */
    int n, cap;
};

/* Adds the rows of a JSONL file (also gzipped): {"prompt","completion"}, or {"messages":[user,
 * assistant]}. The recipe's template is put around prompts. Errors name file, line and key. */
int dataset_add_file(struct dataset *d, const struct recipe *r, const char *path, struct err *err);
/* Adds the problems of a set that have a demonstration (-EINVAL when none has), or all of them,
 * the others with an empty completion. */
enum dataset_tasks { DATASET_DEMONSTRATED, DATASET_ALL };
int dataset_add_tasks(struct dataset *d, const struct task_set *set, enum dataset_tasks which,
                      const char *spec, struct err *err);
/* Both parts of every row become tokens; -EINVAL names a row longer than max_positions, or says that
 * the model has no eos (-1), which every completion must end with. */
int dataset_tokenise(struct dataset *d, const struct tokenizer *tok, int32_t eos, int max_positions,
                     struct err *err);
void dataset_free(struct dataset *d);

/* The order of training: batch b is the rows order[cut[b]] .. order[cut[b + 1] - 1], each epoch
 * shuffled anew, a batch closed before it would pass tokens_per_batch. Only (seed, lengths)
 * decide. -E2BIG: the rows of all epochs are more than an int counts. */
struct dataset_plan {
    int *order, *cut;
    int n_batches, batches_per_epoch; /* of the first epoch */
};
int dataset_plan_make(const struct dataset *d, uint64_t seed, int epochs, int tokens_per_batch,
                      struct dataset_plan *ret, struct err *err);
void dataset_plan_free(struct dataset_plan *p);

#endif
