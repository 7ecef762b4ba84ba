/* kernels.h: the operations of the decoder, forward and backward. f32, row-major, contiguous unless
 * a stride is given. Backward functions add to gradients of parameters; whether an input's gradient
 * is set or added to is said at each. Nothing here allocates, logs or starts a thread. Letters: see
 * model/model.h. */
#ifndef ASSAY_KERNELS_H
#define ASSAY_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- matmul.c: the one door to BLAS. Weights are [out, in] ---------------------------------- */
/* y[m, out] = beta y + x[m, in] @ w[out, in]^T */
void nn_matmul(int m, int out, int in, const float *x, const float *w, float beta, float *y);
/* dx[m, in] = beta dx + dy[m, out] @ w[out, in] */
void nn_matmul_dx(int m, int out, int in, const float *dy, const float *w, float beta, float *dx);
/* dw[out, in] += dy[m, out]^T @ x[m, in] */
void nn_matmul_dw(int m, int out, int in, const float *dy, const float *x, float *dw);
/* The same with a factor, where y and dy are some columns of wider rows, `stride` apart. */
/* y[m, out] += scale x[m, in] @ w[out, in]^T */
void nn_slice_matmul(int m, int out, int in, float scale, const float *x, const float *w, float *y,
                     int stride);
/* dx[m, in] = beta dx + scale dy[m, out] @ w[out, in] */
void nn_slice_matmul_dx(int m, int out, int in, float scale, const float *dy, int stride,
                        const float *w, float beta, float *dx);
/* dw[out, in] += scale dy[m, out]^T @ x[m, in] */
void nn_slice_matmul_dw(int m, int out, int in, float scale, const float *dy, int stride,
                        const float *x, float *dw);

/* ---- packed.c: products with weights laid out beforehand; a row's bits are independent of m --- */
/* Whether they outrun matmul.c's even where the laying out is counted, a product of some hundred rows. */
#ifdef __AVX512F__
#define NN_PACKED_IS_FASTER true
#else
#define NN_PACKED_IS_FASTER false
#endif
size_t nn_packed_size(int out, int in); /* floats */
void nn_pack(int out, int in, const float *w, float *ret_packed);
/* For dx[m, in] = dy[m, out] @ w, which is nn_packed_matmul(m, in, out, dy, packed, dx): takes
 * nn_packed_size(in, out) floats. */
void nn_pack_dx(int out, int in, const float *w, float *ret_packed);
/* y[m, out] = x[m, in] @ w^T, or += */
void nn_packed_matmul(int m, int out, int in, const float *x, const float *packed, float *y);
void nn_packed_matmul_add(int m, int out, int in, const float *x, const float *packed, float *y);

/* ---- bf16.c: products whose two sides are rounded to bf16 for them; sums and results are f32 --- */
enum { NN_BF16_SCRATCH = 256 * 512 };        /* floats of scratch that each product takes */
size_t nn_bf16_packed_size(int out, int in); /* 32-bit words */
/* As nn_pack and nn_pack_dx, rounded. */
void nn_bf16_pack(int out, int in, const float *w, uint32_t *ret_packed);
void nn_bf16_pack_dx(int out, int in, const float *w, uint32_t *ret_packed);
/* y[m, out] = x[m, in] @ w^T, or += with `add`; a row's bits are independent of m */
void nn_bf16_matmul(int m, int out, int in, const float *x, const uint32_t *packed, bool add,
                    float *y, float *scratch);
/* dw[out, in] += dy[m, out]^T @ x[m, in], where packed_x is nn_bf16_pack_dx(m, in, x): nn_bf16_packed_size(in, m) words */
void nn_bf16_matmul_dw(int m, int out, int in, const float *dy, const uint32_t *packed_x, float *dw,
                       float *scratch);
/* The slow twin, w as it is; the bits of the kernels `fma` and `dot`, but for sums below the normal range. */
void nn_bf16_naive(int m, int out, int in, const float *x, const float *w, float *y);
/* What multiplies: `amx`, `dot` or `fma`, chosen at the first use by what the processor has; ASSAY_BF16 in the
 * environment names one instead. */
const char *nn_bf16_name(void);
/* The same in words; *ret_refused (may be NULL): why a better one is not used, NULL if none is refused. */
const char *nn_bf16_what(const char **ret_refused);
/* For tests and benches, while no other thread multiplies: uses this one, or `amx-twin`, even if the processor does
 * not say that it has it. false: no such name. */
bool nn_bf16_use(const char *name);

/* ---- embedding.c ---------------------------------------------------------------------------- */
/* x[n, d] = table[token] */
void nn_embedding(int n, int d, const int32_t *tokens, const float *table, float *x);
void nn_embedding_bwd(int n, int d, const int32_t *tokens, const float *dx, float *dtable);

/* ---- rmsnorm.c: y = x / sqrt(mean(x^2) + eps) * w ------------------------------------------- */
void nn_rmsnorm(int n, int d, const float *x, const float *w, float eps, float *y);
/* dx += ..., dw += ...; dw may be NULL: not wanted */
void nn_rmsnorm_bwd(int n, int d, const float *x, const float *w, float eps, const float *dy,
                    float *dx, float *dw);

/* ---- layernorm.c: y = (x - mean) / sqrt(variance + eps) * w + b; wb is w[d] and then b[d] ---- */
void nn_layernorm(int n, int d, const float *x, const float *wb, float eps, float *y);
/* dx += ..., dwb += ...; dwb may be NULL: not wanted */
void nn_layernorm_bwd(int n, int d, const float *x, const float *wb, float eps, const float *dy,
                      float *dx, float *dwb);

/* ---- bias.c: y[n, d] += b; db += the sums of dy over rows ----------------------------------- */
void nn_bias(int n, int d, const float *b, float *y);
void nn_bias_bwd(int n, int d, const float *dy, float *db);

/* ---- rope.c: pairs (i, i + E/2) of each head are turned by position * theta^(-2i/E) --------- */
struct nn_rope {
    float *cos, *sin; /* [positions, E/2] */
    int positions, half;
    float theta;
};
/* Beyond the context of a model's first training (Llama 3.1's rule): frequencies whose wave is
 * longer than original / low_factor positions are divided by factor, those shorter than original /
 * high_factor are kept, between the two they are blended. low_factor >= high_factor, or
 * original 0: all are divided. */
struct nn_rope_scaling {
    float factor, low_factor, high_factor;
    int original;
};
/* Makes the table at least `positions` long. `scaling` may be NULL. */
void nn_rope_reserve(struct nn_rope *r, int head_dim, float theta,
                     const struct nn_rope_scaling *scaling, int positions);
void nn_rope_free(struct nn_rope *r);
/* Turns `heads` adjacent heads at x in place; sign -1 turns back, which is the backward pass too.
 */
void nn_rope_apply(const struct nn_rope *r, int position, int heads, float *x, float sign);

/* ---- swiglu.c: act[n, f] = silu(gate) * up, where a row of gu is gate[f] then up[f] --------- */
void nn_swiglu(int n, int f, const float *gu, float *act);
/* dgu is set; act is made again, since the gradient of the next weights wants it. */
void nn_swiglu_bwd(int n, int f, const float *gu, const float *dact, float *dgu, float *act);

/* ---- gelu.c: act = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, x = up[n, f] ----------- */
void nn_gelu(int n, int f, const float *up, float *act);
/* dup is set; act is made again. */
void nn_gelu_bwd(int n, int f, const float *up, const float *dact, float *dup, float *act);

/* ---- softmax.c: log-probabilities of targets under softmax(logits / temperature) ------------ */
/* logits[n, v] become probabilities. ret_entropy may be NULL. */
void nn_softmax_logp(int n, int v, float *logits, float temperature, const int32_t *target,
                     float *ret_logp, float *ret_entropy);
/* dlogits is set, given the probabilities of the forward pass and dlogp[n]. */
void nn_softmax_logp_bwd(int n, int v, const float *probs, float temperature, const int32_t *target,
                         const float *dlogp, float *dlogits);
/* e[i] = exp(x[i] * scale - max), max over i; returns the sum of e. ret_max is max(x * scale). */
float nn_exp_shifted(int n, const float *x, float scale, float *e, float *ret_max);

/* ---- attention.c: causal grouped-query attention over packed sequences ---------------------- */
struct nn_heads {
    int heads, kv_heads, head_dim;
};
/* One sequence. Its queries are `n_query` rows of qkv (row width (H + 2G)E: queries, keys, values;
 * q and k already turned) that begin at `first`; its keys are the `n_prefix` rows at `prefix`
 * followed by its own rows. Query i sees the prefix and own rows 0 .. i. */
struct nn_span {
    int prefix, n_prefix, first, n_query;
};
/* Floats of scratch for spans of at most n_keys = n_prefix + n_query. */
size_t nn_attention_scratch(const struct nn_heads *h, int n_keys);
/* o[row, HE] and lse[row, H] (log-sum-exp of the scaled scores) of the span's own rows are set. */
void nn_attention(const struct nn_heads *h, struct nn_span s, const float *qkv, float *o,
                  float *lse, float *scratch);
/* dqkv: queries of the own rows are set, keys and values of all rows the span reads are added to
 * (the caller zeroes). */
void nn_attention_bwd(const struct nn_heads *h, struct nn_span s, const float *qkv, const float *o,
                      const float *lse, const float *dout, float *dqkv, float *scratch);

#endif
