/* pack.h: training sequences laid back to back, as model.h wants them. */
#ifndef ASSAY_RL_PACK_H
#define ASSAY_RL_PACK_H

#include "trainer/model/model.h"

/* The first n_prompt tokens are read only; each of the others is scored. The three arrays have
 * n_tokens - n_prompt entries; SFT has none. */
struct rl_sequence {
    const int32_t *tokens;
    int n_prompt, n_tokens;
    double advantage;
    const float *old_logp; /* under the policy that sampled it */
    float *ref_logp;       /* under the frozen reference */
};

/* Its arrays grow to the largest batch seen. The last token of a sequence is only ever a target,
 * so it is not packed. */
struct rl_pack {
    struct model_batch batch;
    int *row_start;                                      /* n_seq + 1: rows of each sequence */
    double *advantage;                                   /* n_seq */
    float *old_logp, *ref_logp, *logp, *dlogp, *entropy; /* n_rows */
    int *start, *row;
    int32_t *tokens, *target;
    int cap_seq, cap_tokens, cap_rows;
};

void rl_pack_fill(struct rl_pack *p, const struct rl_sequence *const *seqs, int n);
void rl_pack_free(struct rl_pack *p);

#endif
