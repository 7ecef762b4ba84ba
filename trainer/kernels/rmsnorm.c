#include <math.h>

#include "trainer/kernels/kernels.h"
#include "trainer/kernels/simd.h"

static float inverse_rms(const float *x, int d, float eps)
{
    return 1.0f / sqrtf(nn_dot(x, x, d) / (float)d + eps);
}

void nn_rmsnorm(int n, int d, const float *x, const float *w, float eps, float *y)
{
    for (int i = 0; i < n; i++) {
        const float *restrict xi = x + (size_t)i * (size_t)d;
        float *restrict yi = y + (size_t)i * (size_t)d;
        float r = inverse_rms(xi, d, eps);
        for (int j = 0; j < d; j++)
            yi[j] = xi[j] * r * w[j];
    }
}

/* With r = 1/rms: dx = r (w dy) - x r^3 mean(x w dy), dw = sum of dy x r. */
void nn_rmsnorm_bwd(int n, int d, const float *x, const float *w, float eps, const float *dy,
                    float *dx, float *dw)
{
    for (int i = 0; i < n; i++) {
        const float *restrict xi = x + (size_t)i * (size_t)d, *restrict dyi =
                                                                  dy + (size_t)i * (size_t)d;
        float *restrict dxi = dx + (size_t)i * (size_t)d, *restrict dwr = dw;
        float r = inverse_rms(xi, d, eps);
        v16 along = {0};
        float rest = 0;
        int j = 0;
        for (; j + NN_LANES <= d; j += NN_LANES)
            along += v16_load(xi + j) * v16_load(w + j) * v16_load(dyi + j);
        for (; j < d; j++)
            rest += xi[j] * w[j] * dyi[j];
        float pull = (v16_sum(along) + rest) * r * r * r / (float)d;
        for (j = 0; j < d; j++)
            dxi[j] += r * w[j] * dyi[j] - pull * xi[j];
        for (j = 0; dwr && j < d; j++)
            dwr[j] += r * xi[j] * dyi[j];
    }
}
