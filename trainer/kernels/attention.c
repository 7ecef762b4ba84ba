/* attention.c: causal grouped-query attention, one sequence and one key/value head at a time.
 *
 * The keys of a head are transposed once into a padded [E][keys] block and its values copied to
 * [keys][E]; then tiles of queries are multiplied against them by tile.h. Scores live only in a
 * tile's scratch: forward keeps the log-sum-exp of each row, from which backward makes the
 * probabilities again. Tiles end at their last visible key, so about half of the square is never
 * computed. */
#include <math.h>

#include "trainer/kernels/kernels.h"
#include "trainer/kernels/tile.h"

/* Forward wants small tiles (less is computed in vain beyond the diagonal); backward's key
 * gradients want long inner products. */
enum { FORWARD_TILE = 8, BACKWARD_TILE = 32 };

/* Everything a span and head need, laid over the caller's scratch. */
struct span_scratch {
    int keys, keys_padded, dim_padded;
    float *keys_t, *values_t;      /* [E][keys_padded] */
    float *key_rows, *value_rows;  /* [keys][dim_padded] */
    float *dkeys, *dvalues;        /* [keys][dim_padded] */
    float *scores, *dscores;       /* [tile][keys_padded] */
    float *query, *dout, *product; /* [tile][dim_padded] */
};

size_t nn_attention_scratch(const struct nn_heads *h, int n_keys)
{
    size_t keys = (size_t)nn_round_up(n_keys, NN_LANES),
           dim = (size_t)nn_round_up(h->head_dim, NN_LANES);
    return keys * (2 * (size_t)h->head_dim + 4 * dim + 2 * BACKWARD_TILE) + 3 * BACKWARD_TILE * dim;
}

static struct span_scratch lay_out(const struct nn_heads *h, struct nn_span s, float *at)
{
    struct span_scratch w = {.keys = s.n_prefix + s.n_query};
    w.keys_padded = nn_round_up(w.keys, NN_LANES);
    w.dim_padded = nn_round_up(h->head_dim, NN_LANES);
    size_t keys = (size_t)w.keys_padded, dim = (size_t)w.dim_padded, e = (size_t)h->head_dim;
    w.keys_t = at;
    w.value_rows = w.keys_t + e * keys;
    w.scores = w.value_rows + keys * dim;
    w.product = w.scores + BACKWARD_TILE * keys;
    w.values_t = w.product + BACKWARD_TILE * dim;
    w.key_rows = w.values_t + e * keys;
    w.dkeys = w.key_rows + keys * dim;
    w.dvalues = w.dkeys + keys * dim;
    w.dscores = w.dvalues + keys * dim;
    w.query = w.dscores + BACKWARD_TILE * keys;
    w.dout = w.query + BACKWARD_TILE * dim;
    return w;
}

static size_t row_width(const struct nn_heads *h)
{
    return (size_t)(h->heads + 2 * h->kv_heads) * (size_t)h->head_dim;
}

/* The packed row that holds key j of the span. */
static size_t key_row(struct nn_span s, int j)
{
    return (size_t)(j < s.n_prefix ? s.prefix + j : s.first + j - s.n_prefix);
}

/* rows[j][0..dim) from the span's rows at column `column`, zero beyond E. */
static void copy_rows(const struct nn_heads *h, struct nn_span s, const float *qkv, size_t column,
                      int keys, int dim, float *rows)
{
    for (int j = 0; j < keys; j++) {
        float *to = rows + (size_t)j * (size_t)dim;
        memcpy(to, qkv + key_row(s, j) * row_width(h) + column,
               (size_t)h->head_dim * sizeof(float));
        memset(to + h->head_dim, 0, (size_t)(dim - h->head_dim) * sizeof(float));
    }
}

/* t[e][j] for j < padded, zero beyond `keys`. */
static void copy_transposed(const struct nn_heads *h, struct nn_span s, const float *qkv,
                            size_t column, int keys, int padded, float *t)
{
    for (int j = 0; j < padded; j += NN_LANES) {
        const float *from[NN_LANES];
        for (int i = 0; i < NN_LANES; i++)
            from[i] = j + i < keys ? qkv + key_row(s, j + i) * row_width(h) + column : NULL;
        int e = 0;
        for (; e + NN_LANES <= h->head_dim; e += NN_LANES) {
            v16 block[NN_LANES];
            for (int i = 0; i < NN_LANES; i++)
                block[i] = from[i] ? v16_load(from[i] + e) : (v16){0};
            v16_transpose(block);
            for (int i = 0; i < NN_LANES; i++)
                v16_store(t + (size_t)(e + i) * (size_t)padded + j, block[i]);
        }
        for (; e < h->head_dim; e++)
            for (int i = 0; i < NN_LANES; i++)
                t[(size_t)e * (size_t)padded + (size_t)(j + i)] = from[i] ? from[i][e] : 0;
    }
}

/* p[0 .. visible) becomes exp(scale p - max), what follows up to `seen` zero; returns the sum. Reads
 * and writes whole vectors, which may end beyond `seen`. */
static float exp_row(int visible, int seen, float scale, float *p, float *ret_max)
{
    const v16 zero = {0};
    v16 highest = zero + p[0], sum = zero;
    int j = 0;
    for (; j < visible; j += NN_LANES)
        highest = v16_max(v16_first(v16_load(p + j), visible - j, highest), highest);
    const float max = v16_highest(highest) * scale;
    for (j = 0; j < visible; j += NN_LANES) {
        const v16 e = v16_first(v16_exp(v16_load(p + j) * scale - max), visible - j, zero);
        v16_store(p + j, e);
        sum += e;
    }
    for (; j < seen; j++)
        p[j] = 0;
    *ret_max = max;
    return v16_sum(sum);
}

static void forward_tile(const struct nn_heads *h, struct nn_span s, const struct span_scratch *w,
                         const float *qkv, int head, int from, float *o, float *lse)
{
    const int rows = s.n_query - from < FORWARD_TILE ? s.n_query - from : FORWARD_TILE;
    const int seen = s.n_prefix + from + rows, dim = w->dim_padded;
    const float scale = 1.0f / sqrtf((float)h->head_dim);
    const size_t width = row_width(h), keys = (size_t)w->keys_padded, e = (size_t)h->head_dim;
    const float *q = qkv + (size_t)(s.first + from) * width + (size_t)head * e;
    float inverse[FORWARD_TILE];
    tile_matmul(rows, nn_round_up(seen, NN_LANES), h->head_dim, (struct tile_a){q, width, 1},
                w->keys_t, keys, w->scores, keys, false);
    for (int i = 0; i < rows; i++) {
        float *p = w->scores + (size_t)i * keys, max;
        const int visible = s.n_prefix + from + i + 1;
        const float sum = exp_row(visible, seen, scale, p, &max);
        inverse[i] = 1.0f / sum;
        lse[(size_t)(s.first + from + i) * (size_t)h->heads + (size_t)head] = max + logf(sum);
    }
    tile_matmul(rows, dim, seen, (struct tile_a){w->scores, keys, 1}, w->value_rows, (size_t)dim,
                w->product, (size_t)dim, false);
    for (int i = 0; i < rows; i++) {
        float *to = o + ((size_t)(s.first + from + i) * (size_t)h->heads + (size_t)head) * e;
        for (size_t j = 0; j < e; j++)
            to[j] = w->product[(size_t)i * (size_t)dim + j] * inverse[i];
    }
}

void nn_attention(const struct nn_heads *h, struct nn_span s, const float *qkv, float *o,
                  float *lse, float *scratch)
{
    const struct span_scratch w = lay_out(h, s, scratch);
    const int group = h->heads / h->kv_heads;
    for (int g = 0; g < h->kv_heads; g++) {
        size_t key_column = (size_t)(h->heads + g) * (size_t)h->head_dim;
        size_t value_column = key_column + (size_t)h->kv_heads * (size_t)h->head_dim;
        copy_transposed(h, s, qkv, key_column, w.keys, w.keys_padded, w.keys_t);
        copy_rows(h, s, qkv, value_column, w.keys, w.dim_padded, w.value_rows);
        for (int head = g * group; head < (g + 1) * group; head++)
            for (int from = 0; from < s.n_query; from += FORWARD_TILE)
                forward_tile(h, s, &w, qkv, head, from, o, lse);
    }
}

/* Probabilities into scores and dLoss/dscore into dscores, for the tile's rows up to column `seen`.
 */
static void backward_scores(const struct nn_heads *h, struct nn_span s,
                            const struct span_scratch *w, int head, int from, int rows, int seen,
                            const float *o, const float *lse)
{
    const float scale = 1.0f / sqrtf((float)h->head_dim);
    const size_t keys = (size_t)w->keys_padded, e = (size_t)h->head_dim;
    for (int i = 0; i < rows; i++) {
        const size_t at = (size_t)(s.first + from + i) * (size_t)h->heads + (size_t)head;
        const float shift = lse[at],
                    along = nn_dot(o + at * e, w->dout + (size_t)i * (size_t)w->dim_padded,
                                   h->head_dim);
        float *p = w->scores + (size_t)i * keys, *ds = w->dscores + (size_t)i * keys;
        const int visible = s.n_prefix + from + i + 1;
        int j = 0;
        for (; j < visible; j += NN_LANES) {
            const v16 prob = v16_exp(v16_load(p + j) * scale - shift);
            const v16 slope = prob * (v16_load(ds + j) - along) * scale;
            v16_store(p + j, v16_first(prob, visible - j, (v16){0}));
            v16_store(ds + j, v16_first(slope, visible - j, (v16){0}));
        }
        for (; j < seen; j++)
            p[j] = ds[j] = 0;
    }
}

static void backward_tile(const struct nn_heads *h, struct nn_span s, const struct span_scratch *w,
                          const float *qkv, int head, int from, const float *o, const float *lse,
                          const float *dout, float *dqkv)
{
    const int rows = s.n_query - from < BACKWARD_TILE ? s.n_query - from : BACKWARD_TILE;
    const int seen = s.n_prefix + from + rows, columns = nn_round_up(seen, NN_LANES);
    const size_t width = row_width(h), keys = (size_t)w->keys_padded, e = (size_t)h->head_dim,
                 dim = (size_t)w->dim_padded;
    for (int i = 0; i < rows; i++) {
        const size_t row = (size_t)s.first + (size_t)from + (size_t)i;
        memcpy(w->query + (size_t)i * dim, qkv + row * width + (size_t)head * e, e * sizeof(float));
        memcpy(w->dout + (size_t)i * dim, dout + (row * (size_t)h->heads + (size_t)head) * e,
               e * sizeof(float));
        memset(w->query + (size_t)i * dim + e, 0, (dim - e) * sizeof(float));
        memset(w->dout + (size_t)i * dim + e, 0, (dim - e) * sizeof(float));
    }
    tile_matmul(rows, columns, h->head_dim, (struct tile_a){w->query, dim, 1}, w->keys_t, keys,
                w->scores, keys, false);
    tile_matmul(rows, columns, h->head_dim, (struct tile_a){w->dout, dim, 1}, w->values_t, keys,
                w->dscores, keys, false);
    backward_scores(h, s, w, head, from, rows, seen, o, lse);
    tile_matmul(rows, (int)dim, seen, (struct tile_a){w->dscores, keys, 1}, w->key_rows, dim,
                w->product, dim, false);
    tile_matmul(seen, (int)dim, rows, (struct tile_a){w->dscores, 1, keys}, w->query, dim, w->dkeys,
                dim, true);
    tile_matmul(seen, (int)dim, rows, (struct tile_a){w->scores, 1, keys}, w->dout, dim, w->dvalues,
                dim, true);
    for (int i = 0; i < rows; i++)
        memcpy(dqkv + (size_t)(s.first + from + i) * width + (size_t)head * e,
               w->product + (size_t)i * dim, e * sizeof(float));
}

static void add_rows(const struct nn_heads *h, struct nn_span s, const struct span_scratch *w,
                     const float *rows, size_t column, float *dqkv)
{
    for (int j = 0; j < w->keys; j++) {
        float *to = dqkv + key_row(s, j) * row_width(h) + column;
        for (int e = 0; e < h->head_dim; e++)
            to[e] += rows[(size_t)j * (size_t)w->dim_padded + (size_t)e];
    }
}

void nn_attention_bwd(const struct nn_heads *h, struct nn_span s, const float *qkv, const float *o,
                      const float *lse, const float *dout, float *dqkv, float *scratch)
{
    const struct span_scratch w = lay_out(h, s, scratch);
    const int group = h->heads / h->kv_heads;
    const size_t bytes = (size_t)w.keys * (size_t)w.dim_padded * sizeof(float);
    for (int g = 0; g < h->kv_heads; g++) {
        size_t key_column = (size_t)(h->heads + g) * (size_t)h->head_dim;
        size_t value_column = key_column + (size_t)h->kv_heads * (size_t)h->head_dim;
        copy_transposed(h, s, qkv, key_column, w.keys, w.keys_padded, w.keys_t);
        copy_transposed(h, s, qkv, value_column, w.keys, w.keys_padded, w.values_t);
        copy_rows(h, s, qkv, key_column, w.keys, w.dim_padded, w.key_rows);
        memset(w.dkeys, 0, bytes);
        memset(w.dvalues, 0, bytes);
        for (int head = g * group; head < (g + 1) * group; head++)
            for (int from = 0; from < s.n_query; from += BACKWARD_TILE)
                backward_tile(h, s, &w, qkv, head, from, o, lse, dout, dqkv);
        add_rows(h, s, &w, w.dkeys, key_column, dqkv);
        add_rows(h, s, &w, w.dvalues, value_column, dqkv);
    }
}
