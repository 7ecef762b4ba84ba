#include "trainer/kernels/reduce.h"

#include "trainer/kernels/team.h"

struct reduce {
    float *const *parts;
    int n_parts, workers;
    size_t n;
};

/* Each worker owns a slice of the index range, so every element is summed by one thread in one
 * order. */
static void reduce_slice(void *ctx, int worker)
{
    const struct reduce *r = ctx;
    size_t from = r->n * (size_t)worker / (size_t)r->workers;
    size_t to = r->n * (size_t)(worker + 1) / (size_t)r->workers;
    float *restrict sum = r->parts[0];
    for (int p = 1; p < r->n_parts; p++) {
        const float *restrict part = r->parts[p];
        for (size_t i = from; i < to; i++)
            sum[i] += part[i];
    }
}

void grads_reduce(float *const *parts, int n_parts, size_t n, struct team *team)
{
    struct reduce r = {.parts = parts, .n_parts = n_parts, .workers = team_size(team), .n = n};
    if (n_parts > 1)
        team_run(team, reduce_slice, &r);
}
