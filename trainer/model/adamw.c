/* adamw.c: one fused pass over parameters, gradients and moments, split over the team. The norm is
 * summed over fixed blocks in a fixed order, and every other number depends on its own index alone,
 * so the bits do not depend on the number of workers. */
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "trainer/kernels/pages.h"
#include "trainer/kernels/team.h"
#include "trainer/model/model.h"

enum { NORM_BLOCK = 1 << 14, NORM_LANES = 8 };

struct update {
    struct adamw *a;
    struct model_trained t;
    const float *grads;
    double *block_sums;
    size_t n_blocks;
    int workers;
    float scale, lr, correct_m, correct_v; /* correct_*: 1 / (1 - beta^step) */
};

int adamw_new(const struct model *m, float beta1, float beta2, float eps, float weight_decay,
              struct adamw *ret)
{
    struct adamw a = {.beta1 = beta1, .beta2 = beta2, .eps = eps, .weight_decay = weight_decay};
    const size_t n = model_trained(m).n;
    a.m = pages_zeroed(n);
    a.v = pages_zeroed(n);
    if (!a.m || !a.v) {
        adamw_free(&a);
        return -ENOMEM;
    }
    *ret = a;
    return 0;
}

void adamw_free(struct adamw *a)
{
    if (!a)
        return;
    free(a->m);
    free(a->v);
    *a = (struct adamw){0};
}

static double sum_of_squares(const float *g, size_t n)
{
    double lane[NORM_LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + NORM_LANES <= n; i += NORM_LANES)
        for (size_t j = 0; j < NORM_LANES; j++)
            lane[j] += (double)g[i + j] * (double)g[i + j];
    for (; i < n; i++)
        sum += (double)g[i] * (double)g[i];
    for (size_t j = 0; j < NORM_LANES; j++)
        sum += lane[j];
    return sum;
}

static size_t slice(size_t n, int worker, int workers)
{
    return n * (size_t)worker / (size_t)workers;
}

static void norm_slice(void *ctx, int worker)
{
    struct update *u = ctx;
    for (size_t b = slice(u->n_blocks, worker, u->workers);
         b < slice(u->n_blocks, worker + 1, u->workers); b++) {
        size_t from = b * NORM_BLOCK, left = u->t.n - from;
        u->block_sums[b] = sum_of_squares(u->grads + from, left < NORM_BLOCK ? left : NORM_BLOCK);
    }
}

static void update_range(const struct update *u, size_t from, size_t to, float decay)
{
    const float b1 = u->a->beta1, b2 = u->a->beta2, eps = u->a->eps, scale = u->scale, lr = u->lr;
    const float cm = u->correct_m, cv = u->correct_v, keep = 1.0f - lr * decay;
    float *restrict p = u->t.params, *restrict m = u->a->m, *restrict v = u->a->v;
    const float *restrict grads = u->grads;
    for (size_t i = from; i < to; i++) {
        float g = grads[i] * scale;
        m[i] = b1 * m[i] + (1.0f - b1) * g;
        v[i] = b2 * v[i] + (1.0f - b2) * g * g;
        p[i] = p[i] * keep - lr * (m[i] * cm) / (sqrtf(v[i] * cv) + eps);
    }
}

static void update_slice(void *ctx, int worker)
{
    const struct update *u = ctx;
    const size_t from = slice(u->t.n, worker, u->workers),
                 to = slice(u->t.n, worker + 1, u->workers);
    for (int i = 0; i < u->t.n_tensors; i++) {
        const struct model_tensor *t = &u->t.tensors[i];
        size_t low = t->offset, high = low + (size_t)t->rows * (size_t)(t->cols ? t->cols : 1);
        low = low > from ? low : from;
        high = high < to ? high : to;
        if (low < high)
            update_range(u, low, high, t->decay ? u->a->weight_decay : 0);
    }
}

double adamw_step(struct adamw *a, struct model *m, float *grads, float lr, float clip,
                  struct team *team)
{
    struct update u = {.a = a,
                       .t = model_trained(m),
                       .grads = grads,
                       .workers = team_size(team),
                       .scale = 1,
                       .lr = lr};
    u.n_blocks = (u.t.n + NORM_BLOCK - 1) / NORM_BLOCK;
    u.block_sums = xcalloc(u.n_blocks, sizeof *u.block_sums);
    team_run(team, norm_slice, &u);
    double sum = 0;
    for (size_t b = 0; b < u.n_blocks; b++)
        sum += u.block_sums[b];
    free(u.block_sums);
    double norm = sqrt(sum);
    if (!isfinite(norm))
        return norm;
    if (clip > 0 && norm > (double)clip)
        u.scale = (float)((double)clip / norm);
    a->step++;
    u.correct_m = (float)(1 / (1 - pow((double)a->beta1, (double)a->step)));
    u.correct_v = (float)(1 / (1 - pow((double)a->beta2, (double)a->step)));
    team_run(team, update_slice, &u);
    return norm;
}
