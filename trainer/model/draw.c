/* draw.c: inverse-CDF sampling. Without cuts the row is walked by chunks; with top-k, top-p
 * or min-p the likeliest tokens are popped off a heap until the cut is full, which for the peaked rows of a
 * language model is a few pops, not a sort. */
#include "trainer/model/draw.h"

#include <math.h>

#include "base/check.h"
#include "trainer/kernels/kernels.h"
#include "trainer/kernels/simd.h"

enum { WALK_CHUNK = 64 };

int draw_scratch_size(int v)
{
    return 3 * v + v / WALK_CHUNK + 1;
}

static int likeliest(int n, const float *x)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

static int chunk_length(int v, int from)
{
    return v - from < WALK_CHUNK ? v - from : WALK_CHUNK;
}

/* Sums of the weights by chunks; returns the whole. */
static double sum_chunks(int v, const float *weight, float *chunk_sum)
{
    double total = 0;
    for (int i = 0; i < v; i += WALK_CHUNK) {
        *chunk_sum = nn_sum(weight + i, chunk_length(v, i));
        total += (double)*chunk_sum++;
    }
    return total;
}

/* The first token whose cumulative weight passes u times the whole. */
static int32_t walk(const struct draw *d, double u)
{
    const int chunks = (d->v + WALK_CHUNK - 1) / WALK_CHUNK;
    const double target = u * d->total;
    double below = 0;
    int c = 0;
    while (c + 1 < chunks && below + (double)d->chunk_sum[c] <= target)
        below += (double)d->chunk_sum[c++];
    const int from = c * WALK_CHUNK, n = chunk_length(d->v, from);
    for (int i = from; i < from + n; i++) {
        below += (double)d->weight[i];
        if (below > target)
            return i;
    }
    /* The chunk's float sum was a rounding error larger than its elements' double sum. */
    return from + likeliest(n, d->weight + from);
}

/* A max-heap of token ids by weight; the lower id wins ties, so that the order is total. */
struct heap {
    const float *weight;
    int32_t *id;
    int n;
};

static bool above(const struct heap *h, int32_t a, int32_t b)
{
    const float x = h->weight[a], y = h->weight[b];
    return x == y ? a < b : x > y;
}

static void sift(struct heap *h, int at)
{
    for (;;) {
        int top = at, left = 2 * at + 1, right = left + 1;
        if (left < h->n && above(h, h->id[left], h->id[top]))
            top = left;
        if (right < h->n && above(h, h->id[right], h->id[top]))
            top = right;
        if (top == at)
            return;
        int32_t moved = h->id[at];
        h->id[at] = h->id[top];
        h->id[top] = moved;
        at = top;
    }
}

static int32_t pop(struct heap *h)
{
    int32_t id = h->id[0];
    h->id[0] = h->id[--h->n];
    sift(h, 0);
    return id;
}

/* top-k first, then the smallest set of what is left that holds top-p of its weight, then what has
 * min-p of the likeliest token's weight, which is 1. At least one token always stays. */
static void cut(const struct draw_options *o, struct draw *d, int32_t *ids, int32_t *kept)
{
    struct heap h = {.weight = d->weight, .id = ids, .n = d->v};
    const int k = o->top_k > 0 && o->top_k < d->v ? o->top_k : d->v;
    double left = (double)d->sum;
    int n = 0;
    for (int i = 0; i < d->v; i++)
        ids[i] = i;
    for (int i = d->v / 2; i >= 0; i--)
        sift(&h, i);
    if (k < d->v) {
        for (left = 0; n < k; n++) {
            kept[n] = pop(&h);
            left += (double)d->weight[kept[n]];
        }
    }
    const int popped = n;
    const double enough = o->top_p < 1 ? (double)o->top_p * left : INFINITY;
    d->total = 0;
    for (n = 0; n < k && (n == 0 || d->total < enough); n++) {
        if (n >= popped)
            kept[n] = pop(&h);
        if (n > 0 && d->weight[kept[n]] < o->min_p)
            break;
        d->total += (double)d->weight[kept[n]];
    }
    d->kept = kept;
    d->n_kept = n;
}

static int32_t walk_kept(const struct draw *d, double u)
{
    double target = u * d->total, below = 0;
    for (int i = 0; i < d->n_kept; i++) {
        below += (double)d->weight[d->kept[i]];
        if (below > target)
            return d->kept[i];
    }
    return d->kept[0];
}

bool draw_make(const struct draw_options *o, int v, const float *logits, float *scratch,
               struct draw *ret)
{
    _Static_assert(sizeof(float) == sizeof(int32_t), "scratch serves both");
    const bool greedy = !(o->temperature > 0);
    float *chunk_sum = scratch + 3 * v;
    *ret = (struct draw){.logits = logits,
                         .weight = scratch,
                         .scale = greedy ? 1.0f : 1.0f / o->temperature,
                         .v = v,
                         .only = -1};
    ret->sum = nn_exp_shifted(v, logits, ret->scale, scratch, &ret->max);
    if (!isfinite(ret->sum) || !isfinite(ret->max))
        return false;
    if (greedy)
        ret->only = likeliest(v, logits);
    else if ((o->top_k > 0 && o->top_k < v) || o->top_p < 1 || o->min_p > 0)
        cut(o, ret, (int32_t *)(void *)(scratch + v), (int32_t *)(void *)(scratch + 2 * v));
    else {
        ret->total = sum_chunks(v, scratch, chunk_sum);
        ret->chunk_sum = chunk_sum;
    }
    return true;
}

int32_t draw_next(const struct draw *d, struct rng *rng)
{
    if (d->only >= 0)
        return d->only;
    const double u = rng_uniform(rng);
    return d->kept ? walk_kept(d, u) : walk(d, u);
}

float draw_logp(const struct draw *d, int32_t token)
{
    return d->logits[token] * d->scale - d->max - logf(d->sum);
}
