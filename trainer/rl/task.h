/* task.h: the problems of one of the verifier's sources, as the trainer sees them: an id to
 * grade by, a prompt in tokens, a level. Tests and reference solutions never come here. */
#ifndef ASSAY_RL_TASK_H
#define ASSAY_RL_TASK_H

#include <jansson.h>

#include "trainer/rl/recipe.h"
#include "trainer/text/tokenizer.h"

enum { TASK_LEVEL_BYTES = 32 };

struct task {
    const char *id;
    const char *demonstration;    /* NULL: none */
    char level[TASK_LEVEL_BYTES]; /* "" when the problem has none */
    char *prompt;      /* as the model sees it: the recipe's template around the problem's text */
    struct ids tokens; /* of the prompt; empty when made without a tokenizer */
};

struct task_set {
    struct task *v;
    int n;
    json_t *problems; /* owns ids and demonstrations */
};

/* Takes over `problems` (what client_problems returned). `tok` may be NULL. -EINVAL: an entry
 * without id or prompt, no problem at all, or a prompt that leaves no room for one token in
 * `max_positions` (0: not checked). `spec` names the source in messages. */
int task_set_make(const struct recipe *r, const char *spec, json_t *problems,
                  const struct tokenizer *tok, int max_positions, struct task_set *ret,
                  struct err *err);
/* Keeps only tasks of these levels (none given: all). -EINVAL when nothing is left. */
int task_set_filter(struct task_set *set, const char *spec, const struct recipe_strings *levels,
                    struct err *err);
void task_set_free(struct task_set *set);

/* A walk over n things in a shuffled order that is new in every epoch; position `at` says
 * everything about where it is. */
struct task_cursor {
    uint64_t seed;
    int n;
    int64_t at;
    int *order; /* of epoch `epoch` */
    int64_t epoch;
};
void task_cursor_start(struct task_cursor *c, uint64_t seed, int n, int64_t at);
int task_cursor_next(struct task_cursor *c);
void task_cursor_free(struct task_cursor *c);

/* order[i] = a permutation of 0 .. n-1 that only (seed, stream) decide. */
void task_shuffle(uint64_t seed, uint64_t stream, int n, int *order);

#endif
