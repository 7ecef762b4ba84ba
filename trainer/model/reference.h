/* reference.h: the slow twins of kernels.h, in double precision and plain loops, one formula each.
 * Tests hold the fast kernels to them, and take finite differences of them for the backward passes.
 * Nothing else links them. */
#ifndef ASSAY_REFERENCE_H
#define ASSAY_REFERENCE_H

#include "trainer/model/model.h"

void ref_matmul(int m, int out, int in, const double *x, const double *w, double *y);
void ref_rmsnorm(int n, int d, const double *x, const double *w, double eps, double *y);
void ref_layernorm(int n, int d, const double *x, const double *wb, double eps, double *y);
void ref_rope(int position, int heads, int head_dim, double theta, double *x);
void ref_gelu(int n, int f, const double *up, double *act);
void ref_swiglu(int n, int f, const double *gu, double *act);
/* entropy may be NULL. */
void ref_logp(int n, int v, const double *logits, double temperature, const int32_t *target,
              double *logp, double *entropy);

/* Queries are rows first .. first + n_query - 1, keys the n_prefix rows at prefix and then the
 * query rows themselves. */
struct ref_span {
    int prefix, n_prefix, first, n_query;
};
void ref_attention(int heads, int kv_heads, int head_dim, struct ref_span s, const double *qkv,
                   double *o);

/* Adds scale B A of every adapted matrix to `params`, laid out as the model's; `adapter` is laid out
 * as m->lora. */
void ref_merge(const struct model *m, const double *adapter, double *params);

/* The whole model: log-probabilities (and entropies, if not NULL) of the batch's scored rows under
 * `params`, laid out as the model's. */
void ref_model(const struct model *m, const double *params, const struct model_batch *b,
               double temperature, double *logp, double *entropy);

#endif
