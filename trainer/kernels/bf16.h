/* bf16.h: what the files of the bf16 products share. See bf16.c for their theory. */
#ifndef ASSAY_BF16_H
#define ASSAY_BF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trainer/kernels/simd.h"

/* A panel is 32 outputs wide; inner lengths are padded with zeros to whole multiples of 32, which
 * is a row of an AMX tile. A block is at most BF16_ROWS rows by BF16_BLOCK of the inner length. */
enum { BF16_COLUMNS = 32, BF16_INNER = 32, BF16_ROWS = 256, BF16_BLOCK = 512, BF16_TILE_ROWS = 16 };

typedef uint32_t v16u __attribute__((vector_size(64)));
typedef uint32_t v16u_unaligned __attribute__((vector_size(64), aligned(4), may_alias));

/* c[rows, 32] (+)= a[rows, inner] @ panel. */
struct bf16_block {
    int rows, inner;
    const void *
        a; /* [rows][inner]: bf16, zero up to a multiple of 16 rows; or f32 if the kernel is wide */
    const uint32_t *
        panel; /* [inner / 2][32], each two consecutive weights of one output, the earlier one low */
    float *c;
    size_t ldc;
    bool add;
};

struct bf16_kernel {
    const char *name, *what;
    bool wide; /* takes a as f32 */
    void (*block)(const struct bf16_block *b);
};

extern const struct bf16_kernel nn__bf16_fma, nn__bf16_dot, nn__bf16_amx, nn__bf16_amx_twin;

/* The bits of x rounded to bf16, in the upper halves; the lower ones are zero. Ties go to even,
 * NaN stays NaN, and what is below the least normal number is zero of its sign, as VCVTNEPS2BF16
 * has it. */
NN_INLINE v16u bf16_round(v16 x)
{
    const v16u u = (v16u)x;
    const v16u tiny = (v16u)((u & 0x7f800000) == 0), nan = (v16u)((u & 0x7fffffff) > 0x7f800000);
    const v16u near = u + 0x7fff + (u >> 16 & 1);
    return ((tiny & u & 0x80000000) | (nan & (u | 0x400000)) | (~(tiny | nan) & near)) & 0xffff0000;
}

/* The product by any kernel: c[m, n] (+)= a[m, k] @ packed, where element (i, p) of a lies at a[i
 * * row + p * col], and row or col is 1. */
struct bf16_product {
    int m, n, k;
    const float *a;
    size_t row, col;
    const uint32_t *packed;
    float *c;
    bool add;
};
void nn__bf16_product(const struct bf16_kernel *kernel, const struct bf16_product *p,
                      float *scratch);

/* The kernel in use: see nn_bf16_use in kernels.h. */
const struct bf16_kernel *nn__bf16_kernel(void);

#endif
