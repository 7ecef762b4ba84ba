#include "trainer/kernels/kernels.h"
#include "trainer/kernels/simd.h"

/* The rows are functions of their own because only the restrict of a parameter convinces the compiler
 * that it may vectorise. */
static void forward_row(int f, const float *restrict g, const float *restrict u, float *restrict a)
{
    for (int j = 0; j < f; j++)
        a[j] = g[j] / (1.0f + nn_exp(-g[j])) * u[j];
}

/* d silu(g)/dg = s (1 + g (1 - s)) with s the logistic of g. */
static void backward_row(int f, const float *restrict g, const float *restrict u,
                         const float *restrict da, float *restrict dg, float *restrict du,
                         float *restrict a)
{
    for (int j = 0; j < f; j++) {
        float s = 1.0f / (1.0f + nn_exp(-g[j])), silu = g[j] * s;
        a[j] = silu * u[j];
        du[j] = da[j] * silu;
        dg[j] = da[j] * u[j] * (s + silu * (1.0f - s));
    }
}

void nn_swiglu(int n, int f, const float *gu, float *act)
{
    const size_t row = (size_t)f;
    for (size_t i = 0; i < (size_t)n; i++)
        forward_row(f, gu + i * 2 * row, gu + (i * 2 + 1) * row, act + i * row);
}

void nn_swiglu_bwd(int n, int f, const float *gu, const float *dact, float *dgu, float *act)
{
    const size_t row = (size_t)f;
    for (size_t i = 0; i < (size_t)n; i++)
        backward_row(f, gu + i * 2 * row, gu + (i * 2 + 1) * row, dact + i * row, dgu + i * 2 * row,
                     dgu + (i * 2 + 1) * row, act + i * row);
}
