/* evaluate.h: how good the policy is on a set of problems: sampled and graded completions,
 * counted. */
#ifndef ASSAY_RL_EVALUATE_H
#define ASSAY_RL_EVALUATE_H

#include "trainer/rl/run.h"

enum { EVAL_K_MAX = 8 };

struct eval_request {
    const char *name;
    int source;
    int samples;  /* per problem */
    int limit;    /* problems; 0: all */
    bool answers; /* where a problem has a final answer, that decides what is right */
    struct recipe_sampling sampling;
    const struct recipe_strings *levels; /* NULL or empty: every level */
    uint64_t seed;
    int k[EVAL_K_MAX], n_k; /* pass@k besides pass@1 */
};

/* A new object: {"problems","samples","completions","temperature","pass_at_1","pass_at_k": {"8":
 * ...}, "grades": {"correct": n, ...}, "infra", "mean_length", "truncated", "by_level": {"2":
 * {"problems","pass_at_1"}}, "seconds"}. Completions whose grading failed are left out of every
 * rate. `completions` (may be NULL) gets each as a JSON line. */
int evaluate(struct rl_run *run, const struct eval_request *req, FILE *completions, json_t **ret,
             struct err *err);

/* The unbiased estimate of the chance that at least one of k samples passes, when c of n did.
 * NaN when k > n. */
double pass_at_k(int n, int c, int k);

/* The eval stage of a recipe: samples at its temperature and, if it says so, once more greedily:
 * {"stage": "eval","name","spec", "sampled": RESULT, "greedy": RESULT}. */
int evaluate_stage(struct rl_run *run, int stage, json_t **ret, struct err *err);

#endif
