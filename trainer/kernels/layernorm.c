#include <math.h>

#include "trainer/kernels/kernels.h"
#include "trainer/kernels/simd.h"

struct moments {
    float mean, inverse_std;
};

static struct moments moments_of(const float *x, int d, float eps)
{
    float mean = nn_sum(x, d) / (float)d;
    v16 squares = {0};
    float rest = 0;
    int j = 0;
    for (; j + NN_LANES <= d; j += NN_LANES) {
        v16 off = v16_load(x + j) - mean;
        squares += off * off;
    }
    for (; j < d; j++)
        rest += (x[j] - mean) * (x[j] - mean);
    return (struct moments){mean, 1.0f / sqrtf((v16_sum(squares) + rest) / (float)d + eps)};
}

void nn_layernorm(int n, int d, const float *x, const float *wb, float eps, float *y)
{
    for (int i = 0; i < n; i++) {
        const float *restrict xi = x + (size_t)i * (size_t)d, *restrict w = wb,
                              *restrict b = wb + d;
        float *restrict yi = y + (size_t)i * (size_t)d;
        const struct moments m = moments_of(xi, d, eps);
        for (int j = 0; j < d; j++)
            yi[j] = (xi[j] - m.mean) * m.inverse_std * w[j] + b[j];
    }
}

/* With z = (x - mean) r: dx = r (w dy - mean(w dy) - z mean(w dy z)), dw = sum of dy z, db of dy. */
void nn_layernorm_bwd(int n, int d, const float *x, const float *wb, float eps, const float *dy,
                      float *dx, float *dwb)
{
    for (int i = 0; i < n; i++) {
        const float *restrict xi = x + (size_t)i * (size_t)d, *restrict w = wb,
                              *restrict dyi = dy + (size_t)i * (size_t)d;
        float *restrict dxi = dx + (size_t)i * (size_t)d, *restrict dw = dwb;
        const struct moments m = moments_of(xi, d, eps);
        float sum = nn_dot(w, dyi, d), along = 0;
        for (int j = 0; j < d; j++)
            along += w[j] * dyi[j] * (xi[j] - m.mean);
        sum /= (float)d;
        along *= m.inverse_std / (float)d;
        for (int j = 0; j < d; j++) {
            float z = (xi[j] - m.mean) * m.inverse_std;
            dxi[j] += m.inverse_std * (w[j] * dyi[j] - sum - z * along);
        }
        for (int j = 0; dw && j < d; j++) {
            dw[j] += dyi[j] * (xi[j] - m.mean) * m.inverse_std;
            dw[d + j] += dyi[j];
        }
    }
}
