/* draw.c: inverse-CDF sampling. Without cuts the row is walked once by chunks; with top-k, top-p
 * or min-p the likeliest tokens are popped off a heap until the cut is full, which for the peaked rows of a
 * language model is a few pops, not a sort. */
#include "trainer/model/draw.h"

#include <math.h>
#include <stdbool.h>

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

/* The first token whose cumulative weight passes u times the whole. */
static int walk(int v, const float *weight, double u, float *chunk_sum)
{
    double total = 0, below = 0;
    int chunks = 0, c = 0;
    for (int i = 0; i < v; i += WALK_CHUNK) {
        chunk_sum[chunks] = nn_sum(weight + i, v - i < WALK_CHUNK ? v - i : WALK_CHUNK);
        total += (double)chunk_sum[chunks++];
    }
    double target = u * total;
    while (c + 1 < chunks && below + (double)chunk_sum[c] <= target)
        below += (double)chunk_sum[c++];
    int from = c * WALK_CHUNK, n = v - from < WALK_CHUNK ? v - from : WALK_CHUNK;
    for (int i = from; i < from + n; i++) {
        below += (double)weight[i];
        if (below > target)
            return i;
    }
    /* The chunk's float sum was a rounding error larger than its elements' double sum. */
    return from + likeliest(n, weight + from);
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
static int32_t cut_and_walk(const struct draw_options *o, int v, const float *weight, double total,
                            double u, int32_t *ids, int32_t *kept)
{
    struct heap h = {.weight = weight, .id = ids, .n = v};
    const int k = o->top_k > 0 && o->top_k < v ? o->top_k : v;
    for (int i = 0; i < v; i++)
        ids[i] = i;
    for (int i = v / 2; i >= 0; i--)
        sift(&h, i);
    int n = 0;
    double sum = 0;
    if (k < v) {
        for (total = 0; n < k; n++) {
            kept[n] = pop(&h);
            total += (double)weight[kept[n]];
        }
    }
    const int popped = n;
    const double enough = o->top_p < 1 ? (double)o->top_p * total : INFINITY;
    for (n = 0; n < k && (n == 0 || sum < enough); n++) {
        if (n >= popped)
            kept[n] = pop(&h);
        if (n > 0 && weight[kept[n]] < o->min_p)
            break;
        sum += (double)weight[kept[n]];
    }
    double target = u * sum, below = 0;
    for (int i = 0; i < n; i++) {
        below += (double)weight[kept[i]];
        if (below > target)
            return kept[i];
    }
    return kept[0];
}

float draw_logp(int v, const float *logits, float temperature, int32_t token, float *scratch)
{
    const float scale = temperature > 0 ? 1.0f / temperature : 1.0f;
    float max, sum = nn_exp_shifted(v, logits, scale, scratch, &max);
    return logits[token] * scale - max - logf(sum);
}

int32_t draw_token(const struct draw_options *o, int v, const float *logits, struct rng *rng,
                   float *scratch, float *ret_logp)
{
    _Static_assert(sizeof(float) == sizeof(int32_t), "scratch serves both");
    float *weight = scratch, *chunk_sum = scratch + 3 * v, max;
    const bool greedy = !(o->temperature > 0);
    const float scale = greedy ? 1.0f : 1.0f / o->temperature;
    const float sum = nn_exp_shifted(v, logits, scale, weight, &max);
    int32_t token;
    if (!isfinite(sum) || !isfinite(max))
        return -1;
    if (greedy)
        token = likeliest(v, logits);
    else if ((o->top_k > 0 && o->top_k < v) || o->top_p < 1 || o->min_p > 0)
        token =
            cut_and_walk(o, v, weight, (double)sum, rng_uniform(rng),
                         (int32_t *)(void *)(scratch + v), (int32_t *)(void *)(scratch + 2 * v));
    else
        token = walk(v, weight, rng_uniform(rng), chunk_sum);
    *ret_logp = logits[token] * scale - max - logf(sum);
    return token;
}
