/* run.c: the forward and backward passes over packed sequences.
 *
 * One block of floats holds every activation; its parts are laid out anew for each batch and the
 * block only ever grows. Backward makes the cheap parts again (norms, SwiGLU) instead of reading
 * them back from memory, and with model.recompute whole layers, of which it then keeps the inputs
 * alone. In the last layer everything after attention is done for the scored rows alone: M below
 * is N in all layers but the last, where it is R.
 *
 * All but attention goes through a layer in chunks of rows, so that what passes between a product
 * and the small operations around it stays in cache.
 *
 * With model.compute bf16 the products of layers and head round both their sides, forward and
 * backward, as if rounding had the derivative one. An adapter is then merged before the rounding,
 * as in the sampler, so that both compute one policy. */
#include "trainer/model/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "trainer/kernels/kernels.h"
#include "trainer/kernels/pages.h"
#include "trainer/model/layout.h"
#include "trainer/model/lora.h"
#include "trainer/model/product.h"
#include "trainer/model/rope_table.h"

/* Probabilities of at most PROBS_KEPT_MAX floats are kept for backward; beyond, logits are made
 * again a chunk at a time. A chunk of the head is large, because each adds to the whole gradient of
 * the head. */
enum {
    PROBS_KEPT_MAX = 4 << 20,
    HEAD_CHUNK_FLOATS = 1 << 19,
    HEAD_CHUNK_ROWS_MIN = 64,
    CHUNK_ROWS = 128
};

struct layer_acts {
    float *x1;  /* [N, D] input of the layer */
    float *qkv; /* [N, (H+2G)E] queries and keys turned */
    float *raw; /* [N, (H+G)E] queries and keys before their norm, where they have one */
    float *lse; /* [N, H] */
    float *o;   /* [N, HE] */
    float *x2;  /* [M, D] after attention */
    float *gu;  /* [M, 2F], or [M, F] without a gate */
};

/* N is n_tokens, R n_rows; either may be the larger. */
struct model_run {
    struct layout lay;
    struct nn_heads heads;
    struct nn_rope rope;
    float *block; /* pages.h's */
    size_t block_floats;
    int head_rows; /* scored rows in one chunk of the head */
    bool probs_kept;
    float temperature; /* of the last forward */
    struct layer_acts *layers;
    float *x_out, *hidden;   /* [R, D] output of the last layer, before and after the final norm */
    float *probs, *dlogits;  /* [R or head_rows, V], [head_rows, V] */
    float *o_rows;           /* [R, HE] */
    float *normed, *dh;      /* one chunk: [D] wide */
    float *act, *dact, *dgu; /* one chunk: [F], [F], [2F] wide */
    float *packed[2];        /* weights of the two products at hand, laid out */
    float *head, *head_dx;   /* bf16: the head's, for either direction */
    void *packed_x;          /* bf16: a chunk of some input, for the gradient of its weights */
    float *merged;           /* bf16: the weights of a product with an adapter */
    float *scratch;          /* of products */
    float *dhead;            /* [(H+G)E] of one token */
    float *again;   /* [head_rows] log-probabilities that backward makes again and does not want */
    float *dhidden; /* [head_rows, D] */
    float *dx, *dx_rows;     /* [N, D], [R, D] */
    float *dout, *dout_rows; /* [N, HE], [R, HE] */
    float *dqkv;             /* [N, (H+2G)E] */
    float *lora;             /* an adapter's scratch, [N or R, 2 rank] */
    float *attention;
};

struct model_run *model_run_new(const struct model *m)
{
    struct model_run *run = xcalloc(1, sizeof *run);
    run->lay = layout_of(&m->cfg);
    run->heads = (struct nn_heads){m->cfg.heads, m->cfg.kv_heads, m->cfg.head_dim};
    run->layers = xcalloc((size_t)m->cfg.layers, sizeof *run->layers);
    return run;
}

void model_run_free(struct model_run *run)
{
    if (!run)
        return;
    nn_rope_free(&run->rope);
    pages_give(run->block, run->block_floats * sizeof(float));
    free(run->layers);
    free(run);
}

/* ---- the block ------------------------------------------------------------------------------ */

/* Hands out n floats at *at, on a cache line. With a NULL block only the size is counted. */
static float *take_floats(float *block, size_t *at, size_t n)
{
    float *p = block ? block + *at : NULL;
    *at += (n + 15) & ~(size_t)15;
    return p;
}

static float *take(float *block, size_t *at, int rows, int cols)
{
    return take_floats(block, at, (size_t)rows * (size_t)cols);
}

/* Words of the largest product of a layer, laid out for either direction. */
static size_t packed_words(const struct model *m, const struct layout *y)
{
    const int sizes[][2] = {
        {y->qkv, y->width}, {y->width, y->query}, {y->up, y->width}, {y->width, y->ff}};
    size_t most = 0;
    for (size_t i = 0; product_packs(m->compute) && i < COUNT_OF(sizes); i++) {
        size_t there = product_words(m->compute, sizes[i][0], sizes[i][1]),
               back = product_words(m->compute, sizes[i][1], sizes[i][0]);
        most = there > most ? there : most;
        most = back > most ? back : most;
    }
    return most;
}

static bool merges(const struct model *m)
{
    return m->lora && m->compute == COMPUTE_BF16;
}

/* What products take beside their sides and results. */
static void lay_out_products(struct model_run *run, const struct model *m, float *block, size_t *at)
{
    const struct layout *y = &run->lay;
    const bool bf16 = m->compute == COMPUTE_BF16;
    const int deep = y->query > y->ff ? y->query : y->ff;
    size_t x = 0;
    if (bf16) {
        x = nn_bf16_packed_size(y->width, run->head_rows);
        const size_t layer = nn_bf16_packed_size(deep > y->width ? deep : y->width, CHUNK_ROWS);
        x = layer > x ? layer : x;
    }
    for (int i = 0; i < 2; i++)
        run->packed[i] = take_floats(block, at, packed_words(m, y));
    run->head = take_floats(block, at, bf16 ? nn_bf16_packed_size(m->cfg.vocab, y->width) : 0);
    run->head_dx = take_floats(block, at, bf16 ? nn_bf16_packed_size(y->width, m->cfg.vocab) : 0);
    run->packed_x = take_floats(block, at, m->lora ? 0 : x);
    run->merged = take_floats(block, at, merges(m) ? layout_product_max(y) : 0);
    run->scratch = take_floats(block, at, product_scratch(m->compute));
}

/* For n tokens of which r rows are scored, in sequences of at most `longest`. */
static size_t lay_out(struct model_run *run, const struct model *m, int n, int r, int longest,
                      float *block)
{
    const struct layout *y = &run->lay;
    const int v = m->cfg.vocab, most = n > r ? n : r;
    size_t at = 0;
    run->probs_kept = (size_t)r * (size_t)v <= PROBS_KEPT_MAX;
    run->head_rows = HEAD_CHUNK_FLOATS / v;
    if (run->head_rows < HEAD_CHUNK_ROWS_MIN)
        run->head_rows = HEAD_CHUNK_ROWS_MIN;
    for (int l = 0; l < m->cfg.layers; l++) {
        const int rows = l + 1 < m->cfg.layers ? n : r;
        struct layer_acts *a = &run->layers[l];
        if (l > 0 && m->recompute)
            *a = run->layers[0];
        a->x1 = take(block, &at, n, y->width);
        if (l > 0 && m->recompute)
            continue;
        const int kept = m->recompute ? most : rows;
        a->qkv = take(block, &at, n, y->qkv);
        a->raw = take(block, &at, m->cfg.qk_norm ? n : 0, y->query + y->kv);
        a->lse = take(block, &at, n, m->cfg.heads);
        a->o = take(block, &at, n, y->query);
        a->x2 = take(block, &at, kept, y->width);
        a->gu = take(block, &at, kept, y->up);
    }
    run->x_out = take(block, &at, r, y->width);
    run->hidden = take(block, &at, r, y->width);
    run->probs = take(block, &at, run->probs_kept ? r : run->head_rows, v);
    run->dlogits = take(block, &at, run->head_rows, v);
    run->dhidden = take(block, &at, run->head_rows, y->width);
    run->o_rows = take(block, &at, r, y->query);
    run->normed = take(block, &at, CHUNK_ROWS, y->width);
    run->dh = take(block, &at, CHUNK_ROWS, y->width);
    run->act = take(block, &at, CHUNK_ROWS, y->ff);
    run->dact = take(block, &at, CHUNK_ROWS, y->ff);
    run->dgu = take(block, &at, CHUNK_ROWS, y->up);
    lay_out_products(run, m, block, &at);
    run->dhead = take(block, &at, 1, y->query + y->kv);
    run->again = take(block, &at, 1, run->head_rows);
    run->dx = take(block, &at, n, y->width);
    run->dx_rows = take(block, &at, r, y->width);
    run->dout = take(block, &at, n, y->query);
    run->dout_rows = take(block, &at, r, y->query);
    run->dqkv = take(block, &at, n, y->qkv);
    run->lora = take(block, &at, CHUNK_ROWS, m->lora ? 2 * m->lora->rank : 0);
    size_t scratch = nn_attention_scratch(&run->heads, longest);
    run->attention = block ? block + at : NULL;
    return at + scratch;
}

/* The span of sequence s: its own rows, after its parent's if it has one. */
static struct nn_span span_of(const struct model_batch *b, int s)
{
    struct nn_span span = {.first = b->start[s], .n_query = b->start[s + 1] - b->start[s]};
    int parent = b->parent ? b->parent[s] : -1;
    if (parent >= 0) {
        span.prefix = b->start[parent];
        span.n_prefix = b->start[parent + 1] - b->start[parent];
    }
    return span;
}

static void check_batch(const struct model *m, const struct model_batch *b)
{
    CHECK(b->n_seq > 0 && b->start[0] == 0 && b->start[b->n_seq] == b->n_tokens);
    for (int s = 0; s < b->n_seq; s++) {
        CHECK(b->start[s] <= b->start[s + 1]);
        if (b->parent && b->parent[s] >= 0) {
            CHECK(b->parent[s] < s);
            CHECK(b->parent[b->parent[s]] < 0);
        }
    }
    for (int i = 0; i < b->n_tokens; i++)
        CHECK(b->tokens[i] >= 0 && b->tokens[i] < m->cfg.vocab);
    for (int r = 0; r < b->n_rows; r++) {
        CHECK(b->row[r] >= (r ? b->row[r - 1] : 0) && b->row[r] < b->n_tokens);
        CHECK(b->target[r] >= 0 && b->target[r] < m->cfg.vocab);
    }
}

static void reserve(struct model_run *run, const struct model *m, const struct model_batch *b)
{
    check_batch(m, b);
    int longest = 0;
    for (int s = 0; s < b->n_seq; s++) {
        struct nn_span span = span_of(b, s);
        longest = span.n_prefix + span.n_query > longest ? span.n_prefix + span.n_query : longest;
    }
    CHECK(!m->cfg.learned_positions || longest <= m->cfg.max_positions);
    model__rope(&m->cfg, longest, &run->rope);
    size_t need = lay_out(run, m, b->n_tokens, b->n_rows, longest, NULL);
    if (need > run->block_floats) {
        pages_give(run->block, run->block_floats * sizeof(float));
        run->block = pages_take(need * sizeof(float));
        run->block_floats = need;
    }
    lay_out(run, m, b->n_tokens, b->n_rows, longest, run->block);
}

size_t model_run_bytes(const struct model *m, int n_tokens, int n_rows, int longest)
{
    struct model_run *run = model_run_new(m);
    size_t floats = lay_out(run, m, n_tokens, n_rows, longest, NULL);
    model_run_free(run);
    return floats * sizeof(float);
}

/* ---- forward -------------------------------------------------------------------------------- */

/* Turns the queries and keys of every row by its position; sign -1 turns gradients back. */
static void turn(const struct model_run *run, const struct model_batch *b, float *qkv, float sign)
{
    for (int s = 0; s < b->n_seq && run->rope.positions; s++) {
        const struct nn_span span = span_of(b, s);
        for (int i = 0; i < span.n_query; i++)
            nn_rope_apply(&run->rope, span.n_prefix + i, run->heads.heads + run->heads.kv_heads,
                          qkv + (size_t)(span.first + i) * (size_t)run->lay.qkv, sign);
    }
}

/* y = the norm of x at `at` in the block: RMSNorm or LayerNorm. */
static void norm(const struct model *m, int n, const float *x, size_t at, float *y)
{
    if (m->cfg.layer_norm)
        nn_layernorm(n, m->cfg.width, x, m->params + at, m->cfg.norm_eps, y);
    else
        nn_rmsnorm(n, m->cfg.width, x, m->params + at, m->cfg.norm_eps, y);
}

/* The gradients of the parameters at `at`, NULL when an adapter is trained instead of them. */
static float *wanted(const struct model *m, float *grads, size_t at)
{
    return m->lora ? NULL : grads + at;
}

static void norm_bwd(const struct model *m, int n, const float *x, size_t at, const float *dy,
                     float *dx, float *grads)
{
    (m->cfg.layer_norm ? nn_layernorm_bwd : nn_rmsnorm_bwd)(
        n, m->cfg.width, x, m->params + at, m->cfg.norm_eps, dy, dx, wanted(m, grads, at));
}

/* One product of a layer: y[n, out] of x[n, in]. */
struct product {
    int layer;
    enum lora_product which;
    int out, in;
    size_t w, bias; /* bias 0: there is none */
};

static struct product product_of(const struct model_run *run, const struct model *m, int layer,
                                 enum lora_product which)
{
    const struct layout *y = &run->lay;
    const struct layer_layout p = layout_layer(&m->cfg, y, layer);
    switch (which) {
    case LORA_QKV:
        return (struct product){layer, which, y->qkv, y->width, p.qkv, p.qkv_bias};
    case LORA_OUT:
        return (struct product){layer, which, y->width, y->query, p.out, p.out_bias};
    case LORA_UP:
        return (struct product){layer, which, y->up, y->width, p.up, p.up_bias};
    default:
        return (struct product){layer, which, y->width, y->ff, p.down, p.down_bias};
    }
}

/* A product whose weights are ready for many chunks of rows: laid out anew where that pays, in
 * one of the run's two places. */
struct ready {
    struct product p;
    const float *w;
};

typedef void (*pack_fn)(enum model_compute c, int out, int in, const float *w, void *ret_packed);

static struct ready ready_by(pack_fn pack, const struct model_run *run, const struct model *m,
                             int layer, enum lora_product which, int place)
{
    struct ready r = {.p = product_of(run, m, layer, which)};
    r.w = m->params + r.p.w;
    if (merges(m)) {
        memcpy(run->merged, r.w, (size_t)r.p.out * (size_t)r.p.in * sizeof *r.w);
        lora_merge(m, layer, which, run->merged);
        r.w = run->merged;
    }
    if (product_packs(m->compute)) {
        pack(m->compute, r.p.out, r.p.in, r.w, run->packed[place]);
        r.w = run->packed[place];
    }
    return r;
}

static struct ready ready(const struct model_run *run, const struct model *m, int layer,
                          enum lora_product which, int place)
{
    return ready_by(product_pack, run, m, layer, which, place);
}

static struct ready ready_dx(const struct model_run *run, const struct model *m, int layer,
                             enum lora_product which, int place)
{
    return ready_by(product_pack_dx, run, m, layer, which, place);
}

/* y (+)= x @ w^T + b, and what an adapter adds. */
static void linear(const struct model_run *run, const struct model *m, struct ready r, int n,
                   const float *x, bool add, float *y)
{
    const struct product p = r.p;
    if (product_packs(m->compute))
        product(m->compute, n, p.out, p.in, x, r.w, add, y, run->scratch);
    else
        nn_matmul(n, p.out, p.in, x, r.w, add ? 1 : 0, y);
    if (p.bias)
        nn_bias(n, p.out, m->params + p.bias, y);
    if (m->lora && !merges(m))
        lora_forward(m, p.layer, p.which, n, x, y, run->lora);
}

/* dx is set. */
static void linear_dx(const struct model_run *run, const struct model *m, struct ready r, int n,
                      const float *dy, float *dx)
{
    const struct product p = r.p;
    if (product_packs(m->compute))
        product(m->compute, n, p.in, p.out, dy, r.w, false, dx, run->scratch);
    else
        nn_matmul_dx(n, p.out, p.in, dy, r.w, 0, dx);
    if (m->lora && !merges(m))
        lora_dx(m, p.layer, p.which, n, dy, dx, run->lora);
}

/* dw[out, in] += dy^T @ x */
static void weights_dw(const struct model_run *run, const struct model *m, int n, int out, int in,
                       const float *dy, const float *x, float *dw)
{
    if (m->compute == COMPUTE_BF16) {
        nn_bf16_pack_dx(n, in, x, run->packed_x);
        nn_bf16_matmul_dw(n, out, in, dy, run->packed_x, dw, run->scratch);
    } else {
        nn_matmul_dw(n, out, in, dy, x, dw);
    }
}

/* Reads dy by columns: best after linear_dx, which reads it in order and so brings it near. */
static void linear_dw(const struct model_run *run, const struct model *m, struct product p, int n,
                      const float *dy, const float *x, float *grads)
{
    if (m->lora) {
        lora_dw(m, p.layer, p.which, n, dy, x, grads, run->lora);
        return;
    }
    weights_dw(run, m, n, p.out, p.in, dy, x, grads + p.w);
    if (p.bias)
        nn_bias_bwd(n, p.out, dy, grads + p.bias);
}

/* Norms of each head's query and key. */
static void heads_norm(const struct model_run *run, const struct model *m, int n,
                       const struct layer_layout *p, const struct layer_acts *a)
{
    const struct layout *y = &run->lay;
    const size_t wide = (size_t)y->query + (size_t)y->kv;
    for (int i = 0; i < n; i++) {
        float *qk = a->qkv + (size_t)i * (size_t)y->qkv, *raw = a->raw + (size_t)i * wide;
        memcpy(raw, qk, wide * sizeof *raw);
        nn_rmsnorm(m->cfg.heads, m->cfg.head_dim, raw, m->params + p->q_norm, m->cfg.norm_eps, qk);
        nn_rmsnorm(m->cfg.kv_heads, m->cfg.head_dim, raw + y->query, m->params + p->k_norm,
                   m->cfg.norm_eps, qk + y->query);
    }
}

static void heads_norm_bwd(const struct model_run *run, const struct model *m, int n,
                           const struct layer_layout *p, const struct layer_acts *a, float *grads)
{
    const struct layout *y = &run->lay;
    const size_t wide = (size_t)y->query + (size_t)y->kv;
    for (int i = 0; i < n; i++) {
        float *dqk = run->dqkv + (size_t)i * (size_t)y->qkv, *d = run->dhead;
        const float *raw = a->raw + (size_t)i * wide;
        memset(d, 0, wide * sizeof *d);
        nn_rmsnorm_bwd(m->cfg.heads, m->cfg.head_dim, raw, m->params + p->q_norm, m->cfg.norm_eps,
                       dqk, d, wanted(m, grads, p->q_norm));
        nn_rmsnorm_bwd(m->cfg.kv_heads, m->cfg.head_dim, raw + y->query, m->params + p->k_norm,
                       m->cfg.norm_eps, dqk + y->query, d + y->query, wanted(m, grads, p->k_norm));
        memcpy(dqk, d, wide * sizeof *d);
    }
}

/* x[row] += the table's entry for the row's position, or the gradients of the entries the rows'. */
static void add_positions(const struct model_run *run, const struct model *m,
                          const struct model_batch *b, float *x)
{
    for (int s = 0; s < b->n_seq; s++) {
        const struct nn_span span = span_of(b, s);
        for (int i = 0; i < span.n_query; i++)
            nn_bias(1, run->lay.width,
                    m->params + run->lay.positions +
                        (size_t)(span.n_prefix + i) * (size_t)run->lay.width,
                    x + (size_t)(span.first + i) * (size_t)run->lay.width);
    }
}

static void add_positions_bwd(const struct model_run *run, const struct model_batch *b,
                              const float *dx, float *grads)
{
    for (int s = 0; s < b->n_seq; s++) {
        const struct nn_span span = span_of(b, s);
        for (int i = 0; i < span.n_query; i++)
            nn_bias_bwd(1, run->lay.width, dx + (size_t)(span.first + i) * (size_t)run->lay.width,
                        grads + run->lay.positions +
                            (size_t)(span.n_prefix + i) * (size_t)run->lay.width);
    }
}

static void gather(const struct model_batch *b, int d, const float *from, float *to)
{
    for (int r = 0; r < b->n_rows; r++)
        memcpy(to + (size_t)r * (size_t)d, from + (size_t)b->row[r] * (size_t)d,
               (size_t)d * sizeof(float));
}

/* to[N, d] is zero but for the sums of the scored rows. */
static void scatter(const struct model_batch *b, int d, const float *from, float *to)
{
    memset(to, 0, (size_t)b->n_tokens * (size_t)d * sizeof(float));
    for (int r = 0; r < b->n_rows; r++) {
        const float *restrict source = from + (size_t)r * (size_t)d;
        float *restrict sum = to + (size_t)b->row[r] * (size_t)d;
        for (int j = 0; j < d; j++)
            sum[j] += source[j];
    }
}

static int rows_of_chunk(int rows, int from, int chunk)
{
    return rows - from < chunk ? rows - from : chunk;
}

/* Row `row` of a matrix of `width` columns. */
static float *at_row(float *x, int row, int width)
{
    return x + (size_t)row * (size_t)width;
}

static void attention_forward(struct model_run *run, const struct model *m,
                              const struct model_batch *b, int l, bool last)
{
    const struct layout *y = &run->lay;
    const struct layer_layout p = layout_layer(&m->cfg, y, l);
    const struct layer_acts *a = &run->layers[l];
    const struct ready qkv = ready(run, m, l, LORA_QKV, 0), out = ready(run, m, l, LORA_OUT, 1);
    const int n = b->n_tokens, after = last ? b->n_rows : n;
    float *o = a->o;
    for (int from = 0; from < n; from += CHUNK_ROWS) {
        const int rows = rows_of_chunk(n, from, CHUNK_ROWS);
        norm(m, rows, at_row(a->x1, from, y->width), p.attn_norm, run->normed);
        linear(run, m, qkv, rows, run->normed, false, at_row(a->qkv, from, y->qkv));
    }
    if (m->cfg.qk_norm)
        heads_norm(run, m, n, &p, a);
    turn(run, b, a->qkv, 1);
    for (int s = 0; s < b->n_seq; s++)
        nn_attention(&run->heads, span_of(b, s), a->qkv, a->o, a->lse, run->attention);
    if (last) {
        gather(b, y->width, a->x1, a->x2);
        gather(b, y->query, a->o, run->o_rows);
        o = run->o_rows;
    }
    for (int from = 0; from < after; from += CHUNK_ROWS) {
        const int rows = rows_of_chunk(after, from, CHUNK_ROWS);
        float *x2 = at_row(a->x2, from, y->width);
        if (!last)
            memcpy(x2, at_row(a->x1, from, y->width), (size_t)rows * (size_t)y->width * sizeof *x2);
        linear(run, m, out, rows, at_row(o, from, y->query), true, x2);
    }
}

/* x_next NULL: only gu is wanted. */
static void mlp_forward(struct model_run *run, const struct model *m, int l, int all, float *x_next)
{
    const struct layout *y = &run->lay;
    const struct layer_layout p = layout_layer(&m->cfg, y, l);
    const struct ready up = ready(run, m, l, LORA_UP, 0), down = ready(run, m, l, LORA_DOWN, 1);
    for (int from = 0; from < all; from += CHUNK_ROWS) {
        const int rows = rows_of_chunk(all, from, CHUNK_ROWS);
        const float *x2 = at_row(run->layers[l].x2, from, y->width);
        float *gu = at_row(run->layers[l].gu, from, y->up);
        norm(m, rows, x2, p.mlp_norm, run->normed);
        linear(run, m, up, rows, run->normed, false, gu);
        if (!x_next)
            continue;
        float *next = at_row(x_next, from, y->width);
        (m->cfg.gelu ? nn_gelu : nn_swiglu)(rows, y->ff, gu, run->act);
        memcpy(next, x2, (size_t)rows * (size_t)y->width * sizeof *next);
        linear(run, m, down, rows, run->act, true, next);
    }
}

/* From tokens to the final norm of the scored rows. */
static void trunk_forward(struct model_run *run, const struct model *m, const struct model_batch *b)
{
    const int layers = m->cfg.layers;
    reserve(run, m, b);
    nn_embedding(b->n_tokens, run->lay.width, b->tokens, m->params + run->lay.embed,
                 run->layers[0].x1);
    if (m->cfg.learned_positions)
        add_positions(run, m, b, run->layers[0].x1);
    for (int l = 0; l < layers; l++) {
        const bool last = l + 1 == layers;
        attention_forward(run, m, b, l, last);
        mlp_forward(run, m, l, last ? b->n_rows : b->n_tokens,
                    last ? run->x_out : run->layers[l + 1].x1);
    }
    norm(m, b->n_rows, run->x_out, run->lay.norm, run->hidden);
    if (m->compute == COMPUTE_BF16)
        product_pack(m->compute, m->cfg.vocab, run->lay.width, m->params + run->lay.head,
                     run->head);
}

/* logits[n, V] of hidden[n, D], after trunk_forward. */
static void head_forward(const struct model_run *run, const struct model *m, int n,
                         const float *hidden, float *logits)
{
    const int v = m->cfg.vocab, d = run->lay.width;
    if (m->compute == COMPUTE_BF16)
        product(m->compute, n, v, d, hidden, run->head, false, logits, run->scratch);
    else
        nn_matmul(n, v, d, hidden, m->params + run->lay.head, 0, logits);
}

void model_logits(struct model_run *run, const struct model *m, const struct model_batch *b,
                  float *ret_logits)
{
    trunk_forward(run, m, b);
    head_forward(run, m, b->n_rows, run->hidden, ret_logits);
}

/* Probabilities of scored rows from .. from + rows - 1; returns where they are. */
static const float *head_chunk(struct model_run *run, const struct model *m,
                               const struct model_batch *b, int from, int rows, float *ret_logp,
                               float *ret_entropy)
{
    const int v = m->cfg.vocab, d = run->lay.width;
    float *probs = run->probs + (run->probs_kept ? (size_t)from * (size_t)v : 0);
    head_forward(run, m, rows, run->hidden + (size_t)from * (size_t)d, probs);
    nn_softmax_logp(rows, v, probs, run->temperature, b->target + from, ret_logp, ret_entropy);
    return probs;
}

void model_forward(struct model_run *run, const struct model *m, const struct model_batch *b,
                   float temperature, float *ret_logp, float *ret_entropy)
{
    trunk_forward(run, m, b);
    run->temperature = temperature;
    for (int from = 0; from < b->n_rows; from += run->head_rows)
        head_chunk(run, m, b, from, rows_of_chunk(b->n_rows, from, run->head_rows), ret_logp + from,
                   ret_entropy ? ret_entropy + from : NULL);
}

/* ---- backward ------------------------------------------------------------------------------- */

/* dx_rows[R, D] is set to the gradient of the last layer's output. */
static void head_backward(struct model_run *run, const struct model *m, const struct model_batch *b,
                          const float *dlogp, float *grads)
{
    const int v = m->cfg.vocab, d = run->lay.width;
    const float *w = m->params + run->lay.head;
    if (m->compute == COMPUTE_BF16)
        product_pack_dx(m->compute, v, d, w, run->head_dx);
    memset(run->dx_rows, 0, (size_t)b->n_rows * (size_t)d * sizeof(float));
    for (int from = 0; from < b->n_rows; from += run->head_rows) {
        const int rows = rows_of_chunk(b->n_rows, from, run->head_rows);
        const float *hidden = at_row(run->hidden, from, d), *probs = at_row(run->probs, from, v);
        if (!run->probs_kept)
            probs = head_chunk(run, m, b, from, rows, run->again, NULL);
        nn_softmax_logp_bwd(rows, v, probs, run->temperature, b->target + from, dlogp + from,
                            run->dlogits);
        if (m->compute == COMPUTE_BF16)
            product(m->compute, rows, d, v, run->dlogits, run->head_dx, false, run->dhidden,
                    run->scratch);
        else
            nn_matmul_dx(rows, v, d, run->dlogits, w, 0, run->dhidden);
        if (!m->lora)
            weights_dw(run, m, rows, v, d, run->dlogits, hidden, grads + run->lay.head);
        norm_bwd(m, rows, at_row(run->x_out, from, d), run->lay.norm, run->dhidden,
                 at_row(run->dx_rows, from, d), grads);
    }
}

/* dx[all, D], the gradient of the layer's output, becomes that of x2. */
static void mlp_backward(struct model_run *run, const struct model *m, int l, int all, float *dx,
                         float *grads)
{
    const struct layout *y = &run->lay;
    const struct layer_layout p = layout_layer(&m->cfg, y, l);
    const struct ready up = ready_dx(run, m, l, LORA_UP, 0),
                       down = ready_dx(run, m, l, LORA_DOWN, 1);
    for (int from = 0; from < all; from += CHUNK_ROWS) {
        const int rows = rows_of_chunk(all, from, CHUNK_ROWS);
        const float *x2 = at_row(run->layers[l].x2, from, y->width);
        const float *gu = at_row(run->layers[l].gu, from, y->up);
        float *dy = at_row(dx, from, y->width);
        linear_dx(run, m, down, rows, dy, run->dact);
        (m->cfg.gelu ? nn_gelu_bwd : nn_swiglu_bwd)(rows, y->ff, gu, run->dact, run->dgu, run->act);
        linear_dw(run, m, down.p, rows, dy, run->act, grads);
        norm(m, rows, x2, p.mlp_norm, run->normed);
        linear_dw(run, m, up.p, rows, run->dgu, run->normed, grads);
        linear_dx(run, m, up, rows, run->dgu, run->dh);
        norm_bwd(m, rows, x2, p.mlp_norm, run->dh, dy, grads);
    }
}

/* From the gradient of x2 (dx_rows in the last layer, dx in the others) to that of attention's
 * output. */
static void out_backward(struct model_run *run, const struct model *m, const struct model_batch *b,
                         int l, bool last, float *grads)
{
    const struct layout *y = &run->lay;
    const struct ready out = ready_dx(run, m, l, LORA_OUT, 0);
    const int all = last ? b->n_rows : b->n_tokens;
    float *o = last ? run->o_rows : run->layers[l].o, *dx = last ? run->dx_rows : run->dx,
          *dout = last ? run->dout_rows : run->dout;
    if (last)
        gather(b, y->query, run->layers[l].o, run->o_rows);
    for (int from = 0; from < all; from += CHUNK_ROWS) {
        const int rows = rows_of_chunk(all, from, CHUNK_ROWS);
        const float *dy = at_row(dx, from, y->width);
        linear_dx(run, m, out, rows, dy, at_row(dout, from, y->query));
        linear_dw(run, m, out.p, rows, dy, at_row(o, from, y->query), grads);
    }
    if (last) {
        scatter(b, y->query, run->dout_rows, run->dout);
        scatter(b, y->width, run->dx_rows, run->dx);
    }
}

/* The gradient of x2 becomes that of x1, in dx. */
static void attention_backward(struct model_run *run, const struct model *m,
                               const struct model_batch *b, int l, bool last, float *grads)
{
    const struct layout *y = &run->lay;
    const struct layer_layout p = layout_layer(&m->cfg, y, l);
    const struct layer_acts *a = &run->layers[l];
    const int n = b->n_tokens;
    out_backward(run, m, b, l, last, grads);
    memset(run->dqkv, 0, (size_t)n * (size_t)y->qkv * sizeof(float));
    for (int s = 0; s < b->n_seq; s++)
        nn_attention_bwd(&run->heads, span_of(b, s), a->qkv, a->o, a->lse, run->dout, run->dqkv,
                         run->attention);
    turn(run, b, run->dqkv, -1);
    if (m->cfg.qk_norm)
        heads_norm_bwd(run, m, n, &p, a, grads);
    const struct ready qkv = ready_dx(run, m, l, LORA_QKV, 0);
    for (int from = 0; from < n; from += CHUNK_ROWS) {
        const int rows = rows_of_chunk(n, from, CHUNK_ROWS);
        const float *x1 = at_row(a->x1, from, y->width), *dy = at_row(run->dqkv, from, y->qkv);
        norm(m, rows, x1, p.attn_norm, run->normed);
        linear_dx(run, m, qkv, rows, dy, run->dh);
        linear_dw(run, m, qkv.p, rows, dy, run->normed, grads);
        norm_bwd(m, rows, x1, p.attn_norm, run->dh, at_row(run->dx, from, y->width), grads);
    }
}

void model_backward(struct model_run *run, const struct model *m, const struct model_batch *b,
                    const float *dlogp, float *grads)
{
    head_backward(run, m, b, dlogp, grads);
    for (int l = m->cfg.layers - 1; l >= 0; l--) {
        const bool last = l + 1 == m->cfg.layers;
        if (m->recompute && !last) {
            attention_forward(run, m, b, l, false);
            mlp_forward(run, m, l, b->n_tokens, NULL);
        }
        mlp_backward(run, m, l, last ? b->n_rows : b->n_tokens, last ? run->dx_rows : run->dx,
                     grads);
        attention_backward(run, m, b, l, last, grads);
    }
    if (m->lora)
        return;
    if (m->cfg.learned_positions)
        add_positions_bwd(run, b, run->dx, grads);
    nn_embedding_bwd(b->n_tokens, run->lay.width, b->tokens, run->dx, grads + run->lay.embed);
}
