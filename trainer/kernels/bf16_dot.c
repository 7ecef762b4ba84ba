/* bf16_dot.c: the bf16 product by VDPBF16PS (AVX512-BF16), which adds two products to each of 16
 * sums. Compiled for it whatever the build is for; bf16_path.c sees to it that only a processor
 * that has it comes here. */
#include "trainer/kernels/bf16.h"

#ifdef __x86_64__
#include <immintrin.h>

#define FOR_DOT __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

typedef uint32_t word __attribute__((may_alias)); /* of scratch that is floats elsewhere */

enum { ROWS = 12, VECTORS = 2 };

/* `rows` is a constant at every call, so the sums are registers. */
static inline __attribute__((always_inline)) FOR_DOT void
dot_tile(int rows, const struct bf16_block *b, int row)
{
    const size_t words = (size_t)b->inner / 2;
    const word *a = (const word *)b->a + (size_t)row * words;
    const uint32_t *w = b->panel;
    float *c = b->c + (size_t)row * b->ldc;
    __m512 sum[ROWS][VECTORS];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < VECTORS; j++)
            sum[i][j] = b->add ? _mm512_loadu_ps(c + (size_t)i * b->ldc + j * NN_LANES)
                               : _mm512_setzero_ps();
    for (size_t p = 0; p < words; p++, w += BF16_COLUMNS)
        for (int i = 0; i < rows; i++) {
            const __m512bh x = (__m512bh)_mm512_set1_epi32((int)a[(size_t)i * words + p]);
            for (int j = 0; j < VECTORS; j++)
                sum[i][j] = _mm512_dpbf16_ps(
                    sum[i][j], x, (__m512bh)_mm512_loadu_si512(w + (size_t)j * NN_LANES));
        }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < VECTORS; j++)
            _mm512_storeu_ps(c + (size_t)i * b->ldc + j * NN_LANES, sum[i][j]);
}

static FOR_DOT void dot_block(const struct bf16_block *b)
{
    int i = 0;
    for (; i + ROWS <= b->rows; i += ROWS)
        dot_tile(ROWS, b, i);
    for (; i + 4 <= b->rows; i += 4)
        dot_tile(4, b, i);
    for (; i + 2 <= b->rows; i += 2)
        dot_tile(2, b, i);
    if (i < b->rows)
        dot_tile(1, b, i);
}
#else
static void dot_block(const struct bf16_block *b)
{
    nn__bf16_fma.block(b);
}
#endif

const struct bf16_kernel nn__bf16_dot = {"dot", "bf16 by AVX512-BF16", false, dot_block};
