/* product.h: the one door to products with laid out weights, in f32 or in bf16 as model.compute
 * says. Laid out weights and scratch are counted in 32-bit words, the size of a float, so that
 * they lie in blocks of floats. */
#ifndef ASSAY_PRODUCT_H
#define ASSAY_PRODUCT_H

#include "trainer/kernels/kernels.h"
#include "trainer/model/model.h"

/* What the two sides of products with weights are rounded to; all else, the weights included, is
 * f32. */
enum model_compute { COMPUTE_F32, COMPUTE_BF16 };
extern const char *const model_compute_names[]; /* "f32", "bf16"; NULL-terminated */
/* "f32", or how this processor does bf16. *ret_refused (may be NULL): why in no better way, NULL
 * if there is none. */
const char *model_compute_what(const struct model *m, const char **ret_refused);

/* Whether weights are laid out for products at all: bf16 always, f32 where it pays. */
static inline bool product_packs(enum model_compute c)
{
    return c == COMPUTE_BF16 || NN_PACKED_IS_FASTER;
}

static inline size_t product_words(enum model_compute c, int out, int in)
{
    return c == COMPUTE_BF16 ? nn_bf16_packed_size(out, in) : nn_packed_size(out, in);
}

static inline size_t product_scratch(enum model_compute c)
{
    return c == COMPUTE_BF16 ? NN_BF16_SCRATCH : 0;
}

static inline void product_pack(enum model_compute c, int out, int in, const float *w,
                                void *ret_packed)
{
    if (c == COMPUTE_BF16)
        nn_bf16_pack(out, in, w, ret_packed);
    else
        nn_pack(out, in, w, ret_packed);
}

/* For product(c, m, in, out, dy, packed, ...), the gradient of the product's input. */
static inline void product_pack_dx(enum model_compute c, int out, int in, const float *w,
                                   void *ret_packed)
{
    if (c == COMPUTE_BF16)
        nn_bf16_pack_dx(out, in, w, ret_packed);
    else
        nn_pack_dx(out, in, w, ret_packed);
}

/* y[m, out] = x[m, in] @ w^T, or +=; a row's bits are independent of m. */
static inline void product(enum model_compute c, int m, int out, int in, const float *x,
                           const void *packed, bool add, float *y, float *scratch)
{
    if (c == COMPUTE_BF16)
        nn_bf16_matmul(m, out, in, x, packed, add, y, scratch);
    else
        (add ? nn_packed_matmul_add : nn_packed_matmul)(m, out, in, x, packed, y);
}

#endif
