#include "trainer/model/decode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "trainer/kernels/kernels.h"
#include "trainer/kernels/pages.h"
#include "trainer/kernels/simd.h"
#include "trainer/kernels/team.h"
#include "trainer/model/layout.h"
#include "trainer/model/lora.h"
#include "trainer/model/product.h"
#include "trainer/model/rope_table.h"

enum { HEAD_DIM_MAX = 1024 }; /* as model_config_check has it */

struct packed_layer {
    float *qkv, *out, *up, *down;
};

struct packed_model {
    const struct model *m;
    struct layout lay;
    struct nn_rope rope;
    float *block, *head;
    struct packed_layer *layers;
    int workers, positions;
};

struct decoder {
    const struct packed_model *p;
    int rows_max;
    float *block;
    float *x, *normed, *qkv, *o, *gu, *act; /* [rows_max, ...] */
    float *products;                        /* scratch of products */
    float *scores;                          /* of two heads against all they see */
    size_t scores_stride;
};

/* ---- packed weights ------------------------------------------------------------------------- */

/* With an adapter, what is packed is weight and adapter merged, so that sampling pays nothing for
 * it. `merged` holds one product. */
static void pack_product(const struct model *m, int layer, enum lora_product which, int out, int in,
                         size_t at, float *merged, float *packed)
{
    const float *w = m->params + at;
    if (merged) {
        memcpy(merged, w, (size_t)out * (size_t)in * sizeof *merged);
        lora_merge(m, layer, which, merged);
        w = merged;
    }
    product_pack(m->compute, out, in, w, packed);
}

static void pack_slice(void *ctx, int worker)
{
    struct packed_model *p = ctx;
    const struct layout *y = &p->lay;
    const struct model *m = p->m;
    float *merged = m->lora ? xcalloc(layout_product_max(y), sizeof *merged) : NULL;
    for (int l = worker; l < m->cfg.layers; l += p->workers) {
        const struct layer_layout at = layout_layer(&m->cfg, y, l);
        const struct packed_layer *to = &p->layers[l];
        pack_product(m, l, LORA_QKV, y->qkv, y->width, at.qkv, merged, to->qkv);
        pack_product(m, l, LORA_OUT, y->width, y->query, at.out, merged, to->out);
        pack_product(m, l, LORA_UP, y->up, y->width, at.up, merged, to->up);
        pack_product(m, l, LORA_DOWN, y->width, y->ff, at.down, merged, to->down);
    }
    free(merged);
    if (worker == m->cfg.layers % p->workers)
        product_pack(m->compute, m->cfg.vocab, y->width, m->params + y->head, p->head);
}

/* Words of each product. */
struct packed_sizes {
    size_t qkv, out, up, down, layer, head;
};

static struct packed_sizes packed_sizes(const struct model *m)
{
    const struct layout y = layout_of(&m->cfg);
    const enum model_compute c = (enum model_compute)m->compute;
    struct packed_sizes s = {.qkv = product_words(c, y.qkv, y.width),
                             .out = product_words(c, y.width, y.query),
                             .up = product_words(c, y.up, y.width),
                             .down = product_words(c, y.width, y.ff),
                             .head = product_words(c, m->cfg.vocab, y.width)};
    s.layer = s.qkv + s.out + s.up + s.down;
    return s;
}

static size_t rounded_bytes(size_t floats)
{
    return (floats * sizeof(float) + 63) & ~(size_t)63;
}

size_t packed_model_bytes(const struct model *m)
{
    const struct packed_sizes s = packed_sizes(m);
    return rounded_bytes(s.layer * (size_t)m->cfg.layers + s.head);
}

struct packed_model *packed_model_new(const struct model *m, int positions, struct team *team)
{
    struct packed_model *p = xcalloc(1, sizeof *p);
    p->m = m;
    p->lay = layout_of(&m->cfg);
    p->workers = team_size(team);
    p->layers = xcalloc((size_t)m->cfg.layers, sizeof *p->layers);
    const struct packed_sizes s = packed_sizes(m);
    p->block = pages_take(packed_model_bytes(m));
    float *at = p->block;
    for (int l = 0; l < m->cfg.layers; l++, at += s.layer)
        p->layers[l] =
            (struct packed_layer){at, at + s.qkv, at + s.qkv + s.out, at + s.qkv + s.out + s.up};
    p->head = at;
    team_run(team, pack_slice, p);
    p->positions = positions;
    model__rope(&m->cfg, positions, &p->rope);
    return p;
}

void packed_model_free(struct packed_model *p)
{
    if (!p)
        return;
    nn_rope_free(&p->rope);
    pages_give(p->block, packed_model_bytes(p->m));
    free(p->layers);
    free(p);
}

/* ---- keys and values ------------------------------------------------------------------------ */

int kv_cap(int tokens)
{
    return nn_round_up(tokens > 0 ? tokens : 1, NN_LANES);
}

size_t kv_floats(const struct model *m, int cap)
{
    size_t heads = (size_t)m->cfg.layers * (size_t)m->cfg.kv_heads, tokens = (size_t)kv_cap(cap);
    return heads * tokens * (size_t)(m->cfg.head_dim + nn_round_up(m->cfg.head_dim, NN_LANES));
}

struct kv_segment kv_segment_at(const struct model *m, int cap, float *at)
{
    size_t heads = (size_t)m->cfg.layers * (size_t)m->cfg.kv_heads, tokens = (size_t)kv_cap(cap);
    return (struct kv_segment){at, at + heads * tokens * (size_t)m->cfg.head_dim, kv_cap(cap), 0};
}

static float *kv_keys(const struct model_config *c, const struct kv_segment *s, int layer, int head)
{
    return s->keys + (size_t)(layer * c->kv_heads + head) * (size_t)s->cap * (size_t)c->head_dim;
}

static float *kv_values(const struct model_config *c, const struct kv_segment *s, int layer,
                        int head)
{
    return s->values + (size_t)(layer * c->kv_heads + head) * (size_t)s->cap *
                           (size_t)nn_round_up(c->head_dim, NN_LANES);
}

static void kv_write(const struct model_config *c, const struct kv_segment *s, int layer, int index,
                     const float *keys, const float *values)
{
    const size_t e = (size_t)c->head_dim, padded = (size_t)nn_round_up(c->head_dim, NN_LANES);
    CHECK(index < s->cap);
    for (int g = 0; g < c->kv_heads; g++, keys += e, values += e) {
        float *block = kv_keys(c, s, layer, g) + (size_t)(index / NN_LANES) * e * NN_LANES +
                       (size_t)(index % NN_LANES);
        for (size_t i = 0; i < e; i++)
            block[i * NN_LANES] = keys[i];
        memcpy(kv_values(c, s, layer, g) + (size_t)index * padded, values, e * sizeof(float));
    }
}

void kv_copy(const struct model *m, const struct kv_segment *from, const struct kv_segment *to,
             int n)
{
    const struct model_config *c = &m->cfg;
    const size_t key_floats = (size_t)kv_cap(n) * (size_t)c->head_dim;
    const size_t value_floats = (size_t)n * (size_t)nn_round_up(c->head_dim, NN_LANES);
    CHECK(n > 0 && n <= from->cap && n <= to->cap);
    for (int l = 0; l < c->layers; l++)
        for (int g = 0; g < c->kv_heads; g++) {
            memcpy(kv_keys(c, to, l, g), kv_keys(c, from, l, g), key_floats * sizeof(float));
            memcpy(kv_values(c, to, l, g), kv_values(c, from, l, g), value_floats * sizeof(float));
        }
}

/* Query heads that share keys and values go by in pairs, so that what is read from the cache serves twice. */
enum { PAIR = 2 };

/* scores[h][j] = q[h] . key j for j < n, rows of scores `stride` apart; up to 15 more floats are written. */
NN_INLINE void score_keys(int heads, int e, const float *q, const float *keys, int n, float *scores,
                          size_t stride)
{
    for (int j = 0; j < n; j += NN_LANES, keys += (size_t)e * NN_LANES) {
        v16 even[PAIR] = {{0}}, odd[PAIR] = {{0}};
        int i = 0;
        for (; i + 2 <= e; i += 2) {
            const v16 a = v16_load(keys + i * NN_LANES), b = v16_load(keys + (i + 1) * NN_LANES);
            for (int h = 0; h < heads; h++) {
                even[h] += q[h * e + i] * a;
                odd[h] += q[h * e + i + 1] * b;
            }
        }
        for (int h = 0; h < heads && i < e; h++)
            even[h] += q[h * e + i] * v16_load(keys + i * NN_LANES);
        for (int h = 0; h < heads; h++)
            v16_store(scores + (size_t)h * stride + j, even[h] + odd[h]);
    }
}

/* sum[h] += weights[h] @ values for one strip of at most 32 dimensions of rows that are `padded` wide. */
NN_INLINE void weigh_strip(int heads, int vectors, int padded, const float *weights, size_t stride,
                           const float *values, int n, float *sum)
{
    v16 even[PAIR][2] = {{{0}}}, odd[PAIR][2] = {{{0}}};
    int j = 0;
    for (; j + 2 <= n; j += 2, values += 2 * padded)
        for (int k = 0; k < vectors; k++) {
            const v16 a = v16_load(values + k * NN_LANES),
                      b = v16_load(values + padded + k * NN_LANES);
            for (int h = 0; h < heads; h++) {
                even[h][k] += weights[(size_t)h * stride + j] * a;
                odd[h][k] += weights[(size_t)h * stride + j + 1] * b;
            }
        }
    for (int h = 0; h < heads; h++)
        for (int k = 0; k < vectors; k++) {
            float *to = sum + h * HEAD_DIM_MAX + k * NN_LANES;
            if (j < n)
                even[h][k] += weights[(size_t)h * stride + j] * v16_load(values + k * NN_LANES);
            v16_store(to, v16_load(to) + (even[h][k] + odd[h][k]));
        }
}

NN_INLINE void weigh_values(int heads, int padded, const float *weights, size_t stride,
                            const float *values, int n, float *sum)
{
    int i = 0;
    for (; i + 2 * NN_LANES <= padded; i += 2 * NN_LANES)
        weigh_strip(heads, 2, padded, weights, stride, values + i, n, sum + i);
    if (i < padded)
        weigh_strip(heads, 1, padded, weights, stride, values + i, n, sum + i);
}

/* One or two query heads of one row, q[heads * E] -> o, against key/value head g. */
NN_INLINE void attend_heads(int heads, const struct decoder *d, const struct decode_row *row,
                            int layer, int g, const float *q, float *o)
{
    const struct model_config *c = &d->p->m->cfg;
    const int e = c->head_dim, padded = nn_round_up(e, NN_LANES);
    const int before = row->prefix ? row->prefix->n : 0, own = row->position - before + 1;
    const size_t stride = d->scores_stride;
    const float scale = 1.0f / sqrtf((float)e);
    float sum[PAIR * HEAD_DIM_MAX], share[PAIR], max;
    CHECK(padded <= HEAD_DIM_MAX);
    if (before)
        score_keys(heads, e, q, kv_keys(c, row->prefix, layer, g), before, d->scores, stride);
    score_keys(heads, e, q, kv_keys(c, row->own, layer, g), own, d->scores + before, stride);
    for (int h = 0; h < heads; h++) {
        float *scores = d->scores + (size_t)h * stride;
        share[h] = 1.0f / nn_exp_shifted(before + own, scores, scale, scores, &max);
        memset(sum + h * HEAD_DIM_MAX, 0, (size_t)padded * sizeof *sum);
    }
    if (before)
        weigh_values(heads, padded, d->scores, stride, kv_values(c, row->prefix, layer, g), before,
                     sum);
    weigh_values(heads, padded, d->scores + before, stride, kv_values(c, row->own, layer, g), own,
                 sum);
    for (int h = 0; h < heads; h++)
        for (int i = 0; i < e; i++)
            o[h * e + i] = sum[h * HEAD_DIM_MAX + i] * share[h];
}

/* The query heads of one row that share key/value head g: q[HE] -> o[HE]. */
static void attend(const struct decoder *d, const struct decode_row *row, int layer, int g,
                   const float *q, float *o)
{
    const struct model_config *c = &d->p->m->cfg;
    const int group = c->heads / c->kv_heads;
    int h = g * group;
    for (; h + PAIR <= (g + 1) * group; h += PAIR)
        attend_heads(PAIR, d, row, layer, g, q + h * c->head_dim, o + h * c->head_dim);
    if (h < (g + 1) * group)
        attend_heads(1, d, row, layer, g, q + h * c->head_dim, o + h * c->head_dim);
}

/* ---- the pass ------------------------------------------------------------------------------- */

/* The scores of one head may begin a second segment anywhere and end a vector late. */
static size_t scores_row(int positions)
{
    return (size_t)nn_round_up(positions, NN_LANES) + 2 * NN_LANES;
}

size_t decoder_bytes(const struct model *m, int positions, int rows_max)
{
    const struct layout y = layout_of(&m->cfg);
    const int row = 2 * nn_round_up(y.width, NN_LANES) + nn_round_up(y.qkv, NN_LANES) +
                    nn_round_up(y.query, NN_LANES) + 3 * nn_round_up(y.ff, NN_LANES);
    return rounded_bytes((size_t)rows_max * (size_t)row + product_scratch(m->compute) +
                         2 * scores_row(positions));
}

struct decoder *decoder_new(const struct packed_model *p, int rows_max)
{
    struct decoder *d = xcalloc(1, sizeof *d);
    const struct layout *y = &p->lay;
    const size_t rows = (size_t)rows_max, width = (size_t)nn_round_up(y->width, NN_LANES);
    const size_t qkv = (size_t)nn_round_up(y->qkv, NN_LANES),
                 query = (size_t)nn_round_up(y->query, NN_LANES);
    const size_t ff = (size_t)nn_round_up(y->ff, NN_LANES);
    d->p = p;
    d->rows_max = rows_max;
    d->block = pages_take(decoder_bytes(p->m, p->positions, rows_max));
    d->x = d->block;
    d->normed = d->x + rows * width;
    d->qkv = d->normed + rows * width;
    d->o = d->qkv + rows * qkv;
    d->gu = d->o + rows * query;
    d->act = d->gu + rows * 2 * ff;
    d->products = d->act + rows * ff;
    d->scores = d->products + product_scratch(p->m->compute);
    d->scores_stride = scores_row(p->positions);
    return d;
}

void decoder_free(struct decoder *d)
{
    if (!d)
        return;
    pages_give(d->block, decoder_bytes(d->p->m, d->p->positions, d->rows_max));
    free(d);
}

static void norm(const struct decoder *d, int n, size_t at)
{
    const struct model *m = d->p->m;
    (m->cfg.layer_norm ? nn_layernorm : nn_rmsnorm)(n, m->cfg.width, d->x, m->params + at,
                                                    m->cfg.norm_eps, d->normed);
}

/* `bias` 0: there is none. */
static void add_bias(const struct decoder *d, int n, int width, size_t bias, float *y)
{
    if (bias)
        nn_bias(n, width, d->p->m->params + bias, y);
}

static void linear(const struct decoder *d, int n, int out, int in, const float *x,
                   const float *packed, bool add, float *y)
{
    product(d->p->m->compute, n, out, in, x, packed, add, y, d->products);
}

/* Norms of one row's queries and keys. */
static void heads_norm(struct decoder *d, const struct layer_layout *at, float *qkv)
{
    const struct model *m = d->p->m;
    const struct layout *y = &d->p->lay;
    const int e = m->cfg.head_dim;
    for (int h = 0; h < m->cfg.heads + m->cfg.kv_heads; h++) {
        float head[HEAD_DIM_MAX];
        memcpy(head, qkv + h * e, (size_t)e * sizeof *head);
        nn_rmsnorm(1, e, head, m->params + (h * e < y->query ? at->q_norm : at->k_norm),
                   m->cfg.norm_eps, qkv + h * e);
    }
}

static void attention_step(struct decoder *d, const struct decode_row *rows, int n, int layer,
                           bool cache_only)
{
    const struct packed_model *p = d->p;
    const struct layout *y = &p->lay;
    const struct model_config *c = &p->m->cfg;
    const struct layer_layout at = layout_layer(c, y, layer);
    norm(d, n, at.attn_norm);
    linear(d, n, y->qkv, y->width, d->normed, p->layers[layer].qkv, false, d->qkv);
    add_bias(d, n, y->qkv, at.qkv_bias, d->qkv);
    for (int r = 0; r < n; r++) {
        float *qkv = d->qkv + (size_t)r * (size_t)y->qkv;
        const int before = rows[r].prefix ? rows[r].prefix->n : 0;
        if (c->qk_norm)
            heads_norm(d, &at, qkv);
        if (!c->learned_positions)
            nn_rope_apply(&p->rope, rows[r].position, c->heads + c->kv_heads, qkv, 1);
        kv_write(c, rows[r].own, layer, rows[r].position - before, qkv + y->query,
                 qkv + y->query + y->kv);
    }
    if (cache_only)
        return;
    /* Heads outermost: rows of one prompt then find its keys and values of that head in L1. */
    for (int g = 0; g < c->kv_heads; g++)
        for (int r = 0; r < n; r++)
            attend(d, &rows[r], layer, g, d->qkv + (size_t)r * (size_t)y->qkv,
                   d->o + (size_t)r * (size_t)y->query);
    linear(d, n, y->width, y->query, d->o, p->layers[layer].out, true, d->x);
    add_bias(d, n, y->width, at.out_bias, d->x);
}

static void mlp_step(struct decoder *d, int n, int layer)
{
    const struct packed_model *p = d->p;
    const struct layout *y = &p->lay;
    const struct layer_layout at = layout_layer(&p->m->cfg, y, layer);
    norm(d, n, at.mlp_norm);
    linear(d, n, y->up, y->width, d->normed, p->layers[layer].up, false, d->gu);
    add_bias(d, n, y->up, at.up_bias, d->gu);
    (p->m->cfg.gelu ? nn_gelu : nn_swiglu)(n, y->ff, d->gu, d->act);
    linear(d, n, y->width, y->ff, d->act, p->layers[layer].down, true, d->x);
    add_bias(d, n, y->width, at.down_bias, d->x);
}

void decoder_step(struct decoder *d, const struct decode_row *rows, int n, float *ret_logits)
{
    const struct packed_model *p = d->p;
    const struct layout *y = &p->lay;
    const int layers = p->m->cfg.layers;
    CHECK(n <= d->rows_max);
    for (int r = 0; r < n; r++) {
        CHECK(rows[r].position < p->positions);
        nn_embedding(1, y->width, &rows[r].token, p->m->params + y->embed,
                     d->x + (size_t)r * (size_t)y->width);
        if (p->m->cfg.learned_positions)
            nn_bias(1, y->width,
                    p->m->params + y->positions + (size_t)rows[r].position * (size_t)y->width,
                    d->x + (size_t)r * (size_t)y->width);
    }
    for (int l = 0; l < layers; l++) {
        const bool cache_only = !ret_logits && l + 1 == layers;
        attention_step(d, rows, n, l, cache_only);
        if (!cache_only)
            mlp_step(d, n, l);
    }
    if (!ret_logits)
        return;
    norm(d, n, y->norm);
    linear(d, n, p->m->cfg.vocab, y->width, d->normed, p->head, false, ret_logits);
}
