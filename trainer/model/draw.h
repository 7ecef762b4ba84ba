/* draw.h: one token from one row of logits. */
#ifndef ASSAY_DRAW_H
#define ASSAY_DRAW_H

#include <stdint.h>

#include "base/rng.h"

struct draw_options {
    float temperature, top_p, min_p; /* as in struct sample_options */
    int top_k;
};

/* Log-probability of `token` under softmax(logits / temperature); scratch holds v floats. */
float draw_logp(int v, const float *logits, float temperature, int32_t token, float *scratch);

/* Floats of scratch that draw_token needs for v logits. */
int draw_scratch_size(int v);

/* The token, or -1 when the logits are not finite. Exactly one rng_uniform is spent, none when
 * greedy (the lowest id of the likeliest). ret_logp is its log-probability under the temperature
 * alone (1 when greedy), before top-k, top-p and min-p. */
int32_t draw_token(const struct draw_options *o, int v, const float *logits, struct rng *rng,
                   float *scratch, float *ret_logp);

#endif
