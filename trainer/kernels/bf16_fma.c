/* bf16_fma.c: the bf16 product on every processor: both sides widened to f32, whose product of
 * two is exact, so that a multiply and an add round like one multiply-add. */
#include "trainer/kernels/bf16.h"

#ifdef __SSE__
#include <immintrin.h>
#endif

/* Sums in registers beside two words of weights widened: 24 of 32 with AVX-512; lesser machines
 * take a vector at a time. */
#ifdef __AVX512F__
enum { ROWS = 12, VECTORS = 2 };
#else
enum { ROWS = 4, VECTORS = 1 };
#endif

/* `rows` and `vectors` are constants at every call, so the sums are registers. */
NN_INLINE void fma_tile(int rows, int vectors, const struct bf16_block *b, int row, int column)
{
    const float *a = (const float *)b->a + (size_t)row * (size_t)b->inner;
    const uint32_t *w = b->panel + column;
    float *c = b->c + (size_t)row * b->ldc + column;
    v16 sum[ROWS][VECTORS];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++)
            sum[i][j] = b->add ? v16_load(c + (size_t)i * b->ldc + j * NN_LANES) : (v16){0};
    for (int p = 0; p < b->inner; p += 2, w += BF16_COLUMNS) {
        v16 early[VECTORS], late[VECTORS];
        for (int j = 0; j < vectors; j++) {
            const v16u pair = *(const v16u_unaligned *)(w + j * NN_LANES);
            late[j] = (v16)(pair & 0xffff0000);
            early[j] = (v16)(pair << 16);
        }
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < vectors; j++) {
                sum[i][j] += a[(size_t)i * (size_t)b->inner + (size_t)p + 1] * late[j];
                sum[i][j] += a[(size_t)i * (size_t)b->inner + (size_t)p] * early[j];
            }
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++)
            v16_store(c + (size_t)i * b->ldc + j * NN_LANES, sum[i][j]);
}

NN_INLINE void fma_columns(int rows, const struct bf16_block *b, int row)
{
    for (int j = 0; j < BF16_COLUMNS; j += VECTORS * NN_LANES)
        fma_tile(rows, VECTORS, b, row, j);
}

/* Numbers below the normal range count as zero, as the instructions for bf16 have it. */
static void fma_block(const struct bf16_block *b)
{
#ifdef __SSE__
    enum { ZERO_INPUTS = 0x40, ZERO_RESULTS = 0x8000 };
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | ZERO_INPUTS | ZERO_RESULTS);
#endif
    int i = 0;
    for (; i + ROWS <= b->rows; i += ROWS)
        fma_columns(ROWS, b, i);
    for (; ROWS > 8 && i + 8 <= b->rows; i += 8)
        fma_columns(ROWS > 8 ? 8 : ROWS, b, i);
    for (; ROWS > 4 && i + 4 <= b->rows; i += 4)
        fma_columns(4, b, i);
    for (; i + 2 <= b->rows; i += 2)
        fma_columns(2, b, i);
    if (i < b->rows)
        fma_columns(1, b, i);
#ifdef __SSE__
    _mm_setcsr(before);
#endif
}

const struct bf16_kernel nn__bf16_fma = {"fma", "rounded to bf16, multiplied in f32", true,
                                         fma_block};
