#include "trainer/kernels/kernels.h"
#include "trainer/kernels/simd.h"

/* (1 + tanh(t)) / 2 is the logistic of 2 t, with t = sqrt(2 / pi) (x + 0.044715 x^3). */
#define TWICE_ROOT 1.5957691216f
#define CUBE       0.044715f

NN_INLINE float gate(float x)
{
    return 1.0f / (1.0f + nn_exp(-TWICE_ROOT * (x + CUBE * x * x * x)));
}

void nn_gelu(int n, int f, const float *up, float *act)
{
    const float *restrict u = up;
    float *restrict a = act;
    for (size_t i = 0; i < (size_t)n * (size_t)f; i++)
        a[i] = u[i] * gate(u[i]);
}

void nn_gelu_bwd(int n, int f, const float *up, const float *dact, float *dup, float *act)
{
    const float *restrict u = up, *restrict da = dact;
    float *restrict du = dup, *restrict a = act;
    for (size_t i = 0; i < (size_t)n * (size_t)f; i++) {
        float s = gate(u[i]), slope = TWICE_ROOT * (1.0f + 3 * CUBE * u[i] * u[i]);
        a[i] = u[i] * s;
        du[i] = da[i] * (s + a[i] * (1.0f - s) * slope);
    }
}
