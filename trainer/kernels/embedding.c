#include <string.h>

#include "trainer/kernels/kernels.h"

void nn_embedding(int n, int d, const int32_t *tokens, const float *table, float *x)
{
    for (int i = 0; i < n; i++)
        memcpy(x + (size_t)i * (size_t)d, table + (size_t)tokens[i] * (size_t)d,
               (size_t)d * sizeof(float));
}

void nn_embedding_bwd(int n, int d, const int32_t *tokens, const float *dx, float *dtable)
{
    for (int i = 0; i < n; i++) {
        const float *restrict from = dx + (size_t)i * (size_t)d;
        float *restrict to = dtable + (size_t)tokens[i] * (size_t)d;
        for (int j = 0; j < d; j++)
            to[j] += from[j];
    }
}
