#include "trainer/kernels/kernels.h"
#include "trainer/kernels/simd.h"

void nn_swiglu(int n, int f, const float *gu, float *act)
{
    for (int i = 0; i < n; i++) {
        const float *restrict g = gu + (size_t)i * 2 * (size_t)f, *restrict u = g + f;
        float *restrict a = act + (size_t)i * (size_t)f;
        for (int j = 0; j < f; j++)
            a[j] = g[j] / (1.0f + nn_exp(-g[j])) * u[j];
    }
}

/* d silu(g)/dg = s (1 + g (1 - s)) with s the logistic of g. */
void nn_swiglu_bwd(int n, int f, const float *gu, const float *dact, float *dgu, float *act)
{
    for (int i = 0; i < n; i++) {
        const float *restrict g = gu + (size_t)i * 2 * (size_t)f, *restrict u = g + f,
                              *restrict da = dact + (size_t)i * (size_t)f;
        float *restrict dg = dgu + (size_t)i * 2 * (size_t)f, *restrict du = dg + f,
                        *restrict a = act + (size_t)i * (size_t)f;
        for (int j = 0; j < f; j++) {
            float s = 1.0f / (1.0f + nn_exp(-g[j])), silu = g[j] * s;
            a[j] = silu * u[j];
            du[j] = da[j] * silu;
            dg[j] = da[j] * u[j] * (s + silu * (1.0f - s));
        }
    }
}
