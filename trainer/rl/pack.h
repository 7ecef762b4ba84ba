/* pack.h: training sequences laid back to back, as model.h wants them. A prompt that neighbours share
 * (the completions of one group) is packed once, and its tokens are computed once, forward and back. */
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
 * so it is not packed. The last token of a shared prompt stays with each completion: it is what the
 * completion's first token is predicted from. */
struct rl_pack {
    struct model_batch batch; /* of more sequences than n_seq where prompts are shared */
    int n_seq;
    int *row_start;                                      /* n_seq + 1: rows of each sequence */
    double *advantage;                                   /* n_seq */
    float *old_logp, *ref_logp, *logp, *dlogp, *entropy; /* n_rows */
    int *start, *parent, *row;
    int32_t *tokens, *target;
    int cap_seq, cap_tokens, cap_rows;
};

/* Whether two sequences have one prompt that is worth sharing. */
bool rl_same_prompt(const struct rl_sequence *a, const struct rl_sequence *b);
/* Tokens that `s` adds to a pack whose latest sequence is `before` (NULL: none). The first of a
 * shared prompt's sequences pays for it. */
int rl_packed_tokens(const struct rl_sequence *s, const struct rl_sequence *before);

void rl_pack_fill(struct rl_pack *p, const struct rl_sequence *const *seqs, int n);
void rl_pack_free(struct rl_pack *p);

#endif
