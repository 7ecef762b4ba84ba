/* share.h: who trains on which sequences of a batch. */
#ifndef ASSAY_RL_SHARE_H
#define ASSAY_RL_SHARE_H

#include "trainer/rl/pack.h"

/* Arrays grow to the largest batch seen. Zeroed before the first use, freed by rl_share_free. */
struct rl_share {
    const struct rl_sequence **v; /* worker w's are v[start[w]] .. v[start[w + 1] - 1] */
    int *start;                   /* workers + 1 */
    int cap, workers;
    const struct rl_sequence **sorted; /* the rest is scratch of rl_share_out */
    struct rl_share_run *runs;
    int *worker;
    long *tokens;
};

/* Deals seqs[n] to workers so that all have about as many packed tokens (pack.h). Completions of one
 * prompt stay neighbours, since its tokens are then computed once. Depends on its arguments alone. */
void rl_share_out(struct rl_share *s, const struct rl_sequence *seqs, int n, int workers);
void rl_share_free(struct rl_share *s);

#endif
