/* draw.h: tokens from one row of logits. */
#ifndef ASSAY_DRAW_H
#define ASSAY_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

struct draw_options {
    float temperature, top_p, min_p; /* as in struct sample_options */
    int top_k;
};

/* One row of logits, made ready for any number of draws. Borrows the logits, and scratch for all
 * but draw_logp. */
struct draw {
    const float *logits, *weight; /* weight: exp(logit / temperature - max) */
    float scale, max, sum;
    int v;
    int32_t only;        /* the token when greedy, else -1 */
    const int32_t *kept; /* what the cuts left, likeliest first; NULL: there are none */
    int n_kept;
    const float *chunk_sum; /* without cuts: of the weights, by chunks */
    double total;           /* of the weights of what may be drawn */
};

/* Floats of scratch that draw_make needs for v logits. */
int draw_scratch_size(int v);
/* false: the logits are not finite. */
bool draw_make(const struct draw_options *o, int v, const float *logits, float *scratch,
               struct draw *ret);
/* Spends one rng_uniform, none when greedy (the lowest id of the likeliest). */
int32_t draw_next(const struct draw *d, struct rng *rng);
/* The token's log-probability under the temperature alone (1 when greedy), before top-k, top-p and
 * min-p. */
float draw_logp(const struct draw *d, int32_t token);

#endif
