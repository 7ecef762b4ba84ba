#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "trainer/kernels/kernels.h"

static double scaled(double frequency, const struct nn_rope_scaling *s)
{
    if (!s)
        return frequency;
    if (!s->original || s->low_factor >= s->high_factor)
        return frequency / (double)s->factor;
    /* Waves in the original context: few mean a long wave. */
    double waves = s->original * frequency / (2 * M_PI), low = (double)s->low_factor,
           high = (double)s->high_factor, keep = fmin(1, fmax(0, (waves - low) / (high - low)));
    return (1 - keep) * frequency / (double)s->factor + keep * frequency;
}

void nn_rope_reserve(struct nn_rope *r, int head_dim, float theta,
                     const struct nn_rope_scaling *scaling, int positions)
{
    if (positions <= r->positions)
        return;
    /* Doubled, so that a slowly growing batch does not make the table again each time. */
    int n = positions > 2 * r->positions ? positions : 2 * r->positions, half = head_dim / 2;
    r->cos = xrealloc(r->cos, (size_t)n * (size_t)half, sizeof(float));
    r->sin = xrealloc(r->sin, (size_t)n * (size_t)half, sizeof(float));
    for (int i = 0; i < half; i++) {
        double frequency = scaled(pow((double)theta, -2.0 * i / head_dim), scaling);
        for (int p = 0; p < n; p++) {
            r->cos[(size_t)p * (size_t)half + (size_t)i] = (float)cos(p * frequency);
            r->sin[(size_t)p * (size_t)half + (size_t)i] = (float)sin(p * frequency);
        }
    }
    r->positions = n;
    r->half = half;
    r->theta = theta;
}

void nn_rope_free(struct nn_rope *r)
{
    free(r->cos);
    free(r->sin);
    *r = (struct nn_rope){0};
}

void nn_rope_apply(const struct nn_rope *r, int position, int heads, float *x, float sign)
{
    const int half = r->half;
    const float *restrict c = r->cos + (size_t)position * (size_t)half;
    const float *restrict s = r->sin + (size_t)position * (size_t)half;
    for (int h = 0; h < heads; h++, x += 2 * half) {
        float *restrict a = x, *restrict b = x + half;
        for (int i = 0; i < half; i++) {
            float u = a[i], v = b[i], t = sign * s[i];
            a[i] = u * c[i] - v * t;
            b[i] = v * c[i] + u * t;
        }
    }
}
