/* tile.h: small matrix products from registers: c[m, n] (+)= a[m, k] @ b[k, n], n a multiple of 16,
 * rows of b and c contiguous. Element (i, p) of a lies at a[i * a_row + p * a_col], so that a may
 * be a transposed view.
 *
 * Every element of c is one chain of multiply-adds over p = 0 .. k-1, whatever m and n are: the
 * same inputs give the same bits in a batch of any size. Attention and the sampler are built on it;
 * OpenBLAS, which promises no such thing, does the large products. */
#ifndef ASSAY_TILE_H
#define ASSAY_TILE_H

#include <stdbool.h>
#include <stddef.h>

#include "trainer/kernels/simd.h"

/* As many sums as the registers hold beside what is loaded: 24 of 32 with AVX-512; on lesser machines,
 * where a vector is several of 16 registers, a tile of one vector. */
#ifdef __AVX512F__
enum { TILE_ROWS = 8, TILE_VECTORS = 3 };
#else
enum { TILE_ROWS = 4, TILE_VECTORS = 1 };
#endif

struct tile_a {
    const float *v;
    size_t row, col;
};

/* `rows` and `vectors` are constants at every call, so the accumulators are registers. */
NN_INLINE void tile_kernel(int rows, int vectors, int k, struct tile_a a, const float *b,
                           size_t ldb, float *c, size_t ldc, bool add)
{
    v16 sum[TILE_ROWS][TILE_VECTORS], w[TILE_VECTORS];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++)
            sum[i][j] = add ? v16_load(c + (size_t)i * ldc + j * NN_LANES) : (v16){0};
    for (int p = 0; p < k; p++) {
        const float *x = a.v + (size_t)p * a.col;
        for (int j = 0; j < vectors; j++)
            w[j] = v16_load(b + (size_t)p * ldb + j * NN_LANES);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < vectors; j++)
                sum[i][j] += x[(size_t)i * a.row] * w[j];
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++)
            v16_store(c + (size_t)i * ldc + j * NN_LANES, sum[i][j]);
}

/* All rows of one strip of `vectors` * 16 columns: whole tiles, then what is left in powers of two. */
NN_INLINE void tile_strip(int m, int vectors, int k, struct tile_a a, const float *b, size_t ldb,
                          float *c, size_t ldc, bool add)
{
    for (; m >= TILE_ROWS; m -= TILE_ROWS, a.v += TILE_ROWS * a.row, c += TILE_ROWS * ldc)
        tile_kernel(TILE_ROWS, vectors, k, a, b, ldb, c, ldc, add);
    if (m >= 4) {
        tile_kernel(4, vectors, k, a, b, ldb, c, ldc, add);
        m -= 4, a.v += 4 * a.row, c += 4 * ldc;
    }
    if (m >= 2) {
        tile_kernel(2, vectors, k, a, b, ldb, c, ldc, add);
        m -= 2, a.v += 2 * a.row, c += 2 * ldc;
    }
    if (m >= 1)
        tile_kernel(1, vectors, k, a, b, ldb, c, ldc, add);
}

/* A strip of at most TILE_VECTORS vectors. */
NN_INLINE void tile_strip_of(int m, int vectors, int k, struct tile_a a, const float *b, size_t ldb,
                             float *c, size_t ldc, bool add)
{
    if (TILE_VECTORS > 2 && vectors > 2)
        tile_strip(m, TILE_VECTORS, k, a, b, ldb, c, ldc, add);
    else if (TILE_VECTORS > 1 && vectors > 1)
        tile_strip(m, 2, k, a, b, ldb, c, ldc, add);
    else
        tile_strip(m, 1, k, a, b, ldb, c, ldc, add);
}

static inline void tile_matmul(int m, int n, int k, struct tile_a a, const float *b, size_t ldb,
                               float *c, size_t ldc, bool add)
{
    for (int j = 0; j < n; j += TILE_VECTORS * NN_LANES) {
        int vectors = (n - j) / NN_LANES;
        tile_strip_of(m, vectors < TILE_VECTORS ? vectors : TILE_VECTORS, k, a, b + j, ldb, c + j,
                      ldc, add);
    }
}

#endif
