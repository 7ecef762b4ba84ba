#include "trainer/kernels/kernels.h"

void nn_bias(int n, int d, const float *b, float *y)
{
    for (int i = 0; i < n; i++) {
        const float *restrict from = b;
        float *restrict to = y + (size_t)i * (size_t)d;
        for (int j = 0; j < d; j++)
            to[j] += from[j];
    }
}

void nn_bias_bwd(int n, int d, const float *dy, float *db)
{
    for (int i = 0; i < n; i++) {
        const float *restrict from = dy + (size_t)i * (size_t)d;
        float *restrict to = db;
        for (int j = 0; j < d; j++)
            to[j] += from[j];
    }
}
