#include <math.h>

#include "trainer/kernels/kernels.h"
#include "trainer/kernels/simd.h"

const float nn_exp_highest = 88.0f, nn_exp_lowest = -87.3f;

static float max_of(int n, const float *x)
{
    float max = x[0];
    v16 lanes = (v16){0} + max;
    int i = 0;
    for (; i + NN_LANES <= n; i += NN_LANES)
        lanes = v16_max(v16_load(x + i), lanes);
    for (; i < n; i++)
        max = x[i] > max ? x[i] : max;
    const float of_lanes = v16_highest(lanes);
    return of_lanes > max ? of_lanes : max;
}

/* The maximum may pass a NaN by, but its exponential is then added like any other: the sum is NaN.
 */
float nn_exp_shifted(int n, const float *x, float scale, float *e, float *ret_max)
{
    const float max = max_of(n, x) * scale;
    for (int i = 0; i < n; i++)
        e[i] = nn_exp(x[i] * scale - max);
    *ret_max = max;
    return nn_sum(e, n);
}

/* z[v] becomes e = exp(t), t = scale z - max; returns the sum of e, and that of e t for the entropy,
 * which is ln(sum e) - sum(e t) / sum e. */
static float exp_row(int v, float *z, float scale, float max, float *ret_weighted)
{
    v16 sum = {0}, weighted = {0};
    float rest = 0, rest_weighted = 0;
    int i = 0;
    for (; i + NN_LANES <= v; i += NN_LANES) {
        const v16 t = v16_load(z + i) * scale - max, e = v16_exp(t);
        sum += e;
        weighted += e * t;
        v16_store(z + i, e);
    }
    for (; i < v; i++) {
        const float t = z[i] * scale - max;
        rest += z[i] = nn_exp(t);
        rest_weighted += z[i] * t;
    }
    *ret_weighted = v16_sum(weighted) + rest_weighted;
    return v16_sum(sum) + rest;
}

void nn_softmax_logp(int n, int v, float *logits, float temperature, const int32_t *target,
                     float *ret_logp, float *ret_entropy)
{
    const float scale = 1.0f / temperature;
    for (int i = 0; i < n; i++) {
        float *restrict z = logits + (size_t)i * (size_t)v, weighted;
        const float chosen = z[target[i]] * scale, max = max_of(v, z) * scale,
                    sum = exp_row(v, z, scale, max, &weighted), share = 1.0f / sum;
        ret_logp[i] = chosen - max - logf(sum);
        if (ret_entropy)
            ret_entropy[i] = logf(sum) - weighted * share;
        for (int j = 0; j < v; j++)
            z[j] *= share;
    }
}

void nn_softmax_logp_bwd(int n, int v, const float *probs, float temperature, const int32_t *target,
                         const float *dlogp, float *dlogits)
{
    for (int i = 0; i < n; i++) {
        const float *restrict p = probs + (size_t)i * (size_t)v;
        float *restrict dz = dlogits + (size_t)i * (size_t)v, g = dlogp[i] / temperature;
        for (int j = 0; j < v; j++)
            dz[j] = p[j] * -g;
        dz[target[i]] += g;
    }
}
