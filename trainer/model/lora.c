/* lora.c: what an adapter is and computes. Products with A and B are a hundredth of those with W;
 * h = x A^T is made again in the backward pass rather than kept. */
#include "trainer/model/lora.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "trainer/kernels/kernels.h"
#include "trainer/model/layout.h"

/* The matrices of a layer that can be adapted, in the order of their bits. */
struct target {
    const char *name;   /* in the layer */
    const char *module; /* as PEFT's target_modules call it */
    const char *brief;
    enum lora_product product;
};

static const struct target GATED[] = {
    {"self_attn.q_proj", "q_proj", "q", LORA_QKV},
    {"self_attn.k_proj", "k_proj", "k", LORA_QKV},
    {"self_attn.v_proj", "v_proj", "v", LORA_QKV},
    {"self_attn.o_proj", "o_proj", "o", LORA_OUT},
    {"mlp.gate_proj", "gate_proj", "gate", LORA_UP},
    {"mlp.up_proj", "up_proj", "up", LORA_UP},
    {"mlp.down_proj", "down_proj", "down", LORA_DOWN},
    {0},
};
static const struct target GPT2[] = {
    {"attn.c_attn", "c_attn", "c_attn", LORA_QKV},
    {"attn.c_proj", "attn.c_proj", "attn.c_proj", LORA_OUT},
    {"mlp.c_fc", "c_fc", "c_fc", LORA_UP},
    {"mlp.c_proj", "mlp.c_proj", "mlp.c_proj", LORA_DOWN},
    {0},
};

/* Where a target lies: rows `from` .. from + out - 1 of the product's `all` rows. */
struct slice {
    int from, out, in, all;
};

static const struct target *targets_of(const struct model_config *c)
{
    return c->family == MODEL_GPT2 ? GPT2 : GATED;
}

static struct slice slice_of(const struct model_config *c, int target)
{
    const struct layout y = layout_of(c);
    if (c->family == MODEL_GPT2) {
        const struct slice all[] = {{0, y.qkv, y.width, y.qkv},
                                    {0, y.width, y.query, y.width},
                                    {0, y.up, y.width, y.up},
                                    {0, y.width, y.ff, y.width}};
        return all[target];
    }
    const struct slice all[] = {{0, y.query, y.width, y.qkv},
                                {y.query, y.kv, y.width, y.qkv},
                                {y.query + y.kv, y.kv, y.width, y.qkv},
                                {0, y.width, y.query, y.width},
                                {0, y.ff, y.width, y.up},
                                {y.ff, y.ff, y.width, y.up},
                                {0, y.width, y.ff, y.width}};
    return all[target];
}

/* ---- which matrices ------------------------------------------------------------------------- */

static bool means(const struct target *t, const char *name)
{
    const size_t n = strlen(t->name), k = strlen(name);
    return strcmp(name, t->brief) == 0 || strcmp(name, t->name) == 0 ||
           (k > 1 && k < n && t->name[n - k - 1] == '.' && strcmp(t->name + n - k, name) == 0);
}

int lora_targets(const struct model_config *c, const char *const *names, int n, const char *what,
                 unsigned *ret, struct err *err)
{
    const struct target *t = targets_of(c);
    unsigned all = 0, found = 0;
    char known[160] = "";
    for (int i = 0; t[i].name; i++) {
        all |= 1u << i;
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "",
                 t[i].module);
    }
    for (int k = 0; k < n; k++) {
        unsigned before = found, hit = 0;
        for (int i = 0; t[i].name; i++)
            hit |= means(&t[i], names[k]) ? 1u << i : 0;
        found |= hit;
        if (!hit)
            return err_set(err, -EINVAL, "%s: `%.60s` is none of %s", what, names[k], known);
        if (found == before)
            return err_set(err, -EINVAL, "%s: `%.60s` is named twice", what, names[k]);
    }
    *ret = n ? found : all;
    return 0;
}

const char *lora_target_name(const struct model_config *c, int i)
{
    return targets_of(c)[i].module;
}

/* ---- made and freed ------------------------------------------------------------------------- */

static void add_tensor(struct lora *a, const struct model_config *c, int layer, const char *name,
                       char which, int rows, int cols)
{
    struct model_tensor *t = &a->tensors[a->n_tensors++];
    *t = (struct model_tensor){.rows = rows, .cols = cols, .offset = a->n_params, .decay = true};
    snprintf(t->name, sizeof t->name, "base_model.model.%s.%d.%s.lora_%c.weight",
             c->family == MODEL_GPT2 ? "transformer.h" : "model.layers", layer, name, which);
    a->n_params += (size_t)rows * (size_t)cols;
}

struct lora *lora_alloc(const struct model_config *c, int rank, float alpha, unsigned targets)
{
    const struct target *t = targets_of(c);
    struct lora *a = xcalloc(1, sizeof *a);
    *a = (struct lora){.rank = rank, .alpha = alpha, .targets = targets};
    CHECK(rank > 0 && rank <= LORA_RANK_MAX && targets);
    a->tensors =
        xcalloc((size_t)c->layers * 2 * (size_t)__builtin_popcount(targets), sizeof *a->tensors);
    for (int l = 0; l < c->layers; l++)
        for (int i = 0; t[i].name; i++) {
            const struct slice s = slice_of(c, i);
            if (!(targets >> i & 1))
                continue;
            add_tensor(a, c, l, t[i].name, 'A', rank, s.in);
            add_tensor(a, c, l, t[i].name, 'B', s.out, rank);
        }
    const size_t bytes = (a->n_params * sizeof(float) + 63) & ~(size_t)63;
    a->params = check_alloc(aligned_alloc(64, bytes));
    memset(a->params, 0, bytes);
    return a;
}

struct lora *lora_create(const struct model_config *c, int rank, float alpha, unsigned targets,
                         uint64_t seed)
{
    struct lora *a = lora_alloc(c, rank, alpha, targets);
    for (int i = 0; i < a->n_tensors; i += 2) {
        const struct model_tensor *t = &a->tensors[i];
        const double bound = 1 / sqrt(t->cols);
        struct rng rng = rng_make(seed, (uint64_t)i);
        for (size_t j = 0; j < (size_t)t->rows * (size_t)t->cols; j++)
            a->params[t->offset + j] = (float)(bound * (2 * rng_uniform(&rng) - 1));
    }
    return a;
}

struct lora *lora_copy(const struct lora *from)
{
    struct lora *a = xcalloc(1, sizeof *a);
    const size_t bytes = (from->n_params * sizeof(float) + 63) & ~(size_t)63;
    *a = *from;
    a->params = check_alloc(aligned_alloc(64, bytes));
    memcpy(a->params, from->params, from->n_params * sizeof(float));
    a->tensors = xcalloc((size_t)from->n_tensors, sizeof *a->tensors);
    memcpy(a->tensors, from->tensors, (size_t)from->n_tensors * sizeof *a->tensors);
    return a;
}

void lora_free(struct lora *a)
{
    if (!a)
        return;
    free(a->params);
    free(a->tensors);
    free(a);
}

/* ---- the passes ----------------------------------------------------------------------------- */

/* One adapted matrix: its place in the product, and A, B in the adapter's block. */
struct part {
    struct slice s;
    size_t a, b;
};

/* The next adapted matrix of this product, from *at on; false: no more. */
static bool next_part(const struct model *m, int layer, enum lora_product p, int *at,
                      struct part *ret)
{
    const struct lora *a = m->lora;
    const struct target *t = targets_of(&m->cfg);
    const int per_layer = __builtin_popcount(a->targets);
    for (; t[*at].name; ++*at) {
        if (t[*at].product != p || !(a->targets >> *at & 1))
            continue;
        const int before = __builtin_popcount(a->targets & ((1u << *at) - 1));
        const struct model_tensor *first = &a->tensors[2 * (layer * per_layer + before)];
        *ret = (struct part){slice_of(&m->cfg, *at), first[0].offset, first[1].offset};
        ++*at;
        return true;
    }
    return false;
}

static float scale_of(const struct lora *a)
{
    return a->alpha / (float)a->rank;
}

void lora_forward(const struct model *m, int layer, enum lora_product p, int n, const float *x,
                  float *y, float *scratch)
{
    const struct lora *a = m->lora;
    struct part q;
    for (int at = 0; next_part(m, layer, p, &at, &q);) {
        nn_matmul(n, a->rank, q.s.in, x, a->params + q.a, 0, scratch);
        nn_slice_matmul(n, q.s.out, a->rank, scale_of(a), scratch, a->params + q.b, y + q.s.from,
                        q.s.all);
    }
}

/* dh[n, rank], the gradient of h = x A^T. */
static void hidden_gradient(const struct lora *a, const struct part *q, int n, const float *dy,
                            float *dh)
{
    nn_slice_matmul_dx(n, q->s.out, a->rank, scale_of(a), dy + q->s.from, q->s.all,
                       a->params + q->b, 0, dh);
}

void lora_dx(const struct model *m, int layer, enum lora_product p, int n, const float *dy,
             float *dx, float *scratch)
{
    const struct lora *a = m->lora;
    struct part q;
    for (int at = 0; next_part(m, layer, p, &at, &q);) {
        hidden_gradient(a, &q, n, dy, scratch);
        nn_matmul_dx(n, a->rank, q.s.in, scratch, a->params + q.a, 1, dx);
    }
}

void lora_dw(const struct model *m, int layer, enum lora_product p, int n, const float *dy,
             const float *x, float *grads, float *scratch)
{
    const struct lora *a = m->lora;
    float *h = scratch, *dh = scratch + (size_t)n * (size_t)a->rank;
    struct part q;
    for (int at = 0; next_part(m, layer, p, &at, &q);) {
        nn_matmul(n, a->rank, q.s.in, x, a->params + q.a, 0, h);
        nn_slice_matmul_dw(n, q.s.out, a->rank, scale_of(a), dy + q.s.from, q.s.all, h,
                           grads + q.b);
        hidden_gradient(a, &q, n, dy, dh);
        nn_matmul_dw(n, a->rank, q.s.in, dh, x, grads + q.a);
    }
}

/* ---- merging -------------------------------------------------------------------------------- */

void lora_merge(const struct model *m, int layer, enum lora_product p, float *w)
{
    const struct lora *a = m->lora;
    struct part q;
    for (int at = 0; next_part(m, layer, p, &at, &q);)
        nn_slice_matmul_dx(q.s.out, a->rank, q.s.in, scale_of(a), a->params + q.b, a->rank,
                           a->params + q.a, 1, w + (size_t)q.s.from * (size_t)q.s.in);
}

void model_merge(struct model *m)
{
    const struct layout y = layout_of(&m->cfg);
    CHECK(!m->borrowed);
    for (int l = 0; m->lora && l < m->cfg.layers; l++) {
        const struct layer_layout at = layout_layer(&m->cfg, &y, l);
        lora_merge(m, l, LORA_QKV, m->params + at.qkv);
        lora_merge(m, l, LORA_OUT, m->params + at.out);
        lora_merge(m, l, LORA_UP, m->params + at.up);
        lora_merge(m, l, LORA_DOWN, m->params + at.down);
    }
    lora_free(m->lora);
    m->lora = NULL;
}
