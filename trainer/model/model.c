#include "trainer/model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "trainer/model/layout.h"

/* Far above any model that one machine trains; they keep every product of two sizes inside an int
 * or a size_t. */
enum {
    VOCAB_MAX = 1 << 20,
    WIDTH_MAX = 1 << 15,
    LAYERS_MAX = 1 << 10,
    HEADS_MAX = 1 << 10,
    POSITIONS_MAX = 1 << 20
};

enum { TENSORS_PER_LAYER = 9 };

static int check_range(const char *field, int value, int low, int high, struct err *err)
{
    if (value < low || value > high)
        return err_set(err, -EINVAL, "%s is %d: it must be between %d and %d", field, value, low,
                       high);
    return 0;
}

int model_config_check(const struct model_config *c, struct err *err)
{
    TRY(check_range("vocab_size", c->vocab, 1, VOCAB_MAX, err));
    TRY(check_range("num_hidden_layers", c->layers, 1, LAYERS_MAX, err));
    TRY(check_range("hidden_size", c->width, 1, WIDTH_MAX, err));
    TRY(check_range("num_attention_heads", c->heads, 1, HEADS_MAX, err));
    TRY(check_range("num_key_value_heads", c->kv_heads, 1, c->heads, err));
    TRY(check_range("head_dim", c->head_dim, 2, 1024, err));
    TRY(check_range("intermediate_size", c->ff, 1, 4 * WIDTH_MAX, err));
    TRY(check_range("max_position_embeddings", c->max_positions, 1, POSITIONS_MAX, err));
    TRY(check_range("bos_token_id", c->bos_id, -1, c->vocab - 1, err));
    TRY(check_range("eos_token_id", c->eos_id, -1, c->vocab - 1, err));
    TRY(check_range("pad_token_id", c->pad_id, -1, c->vocab - 1, err));
    if (c->heads % c->kv_heads != 0)
        return err_set(err, -EINVAL,
                       "num_attention_heads (%d) is not a multiple of num_key_value_heads (%d)",
                       c->heads, c->kv_heads);
    if (c->head_dim % 2 != 0)
        return err_set(err, -EINVAL, "head_dim is %d: it must be even", c->head_dim);
    if (!(c->rope_theta > 0) || !isfinite(c->rope_theta))
        return err_set(err, -EINVAL, "rope_theta is %g: it must be positive",
                       (double)c->rope_theta);
    if (!(c->norm_eps > 0) || !isfinite(c->norm_eps))
        return err_set(err, -EINVAL, "rms_norm_eps is %g: it must be positive",
                       (double)c->norm_eps);
    return 0;
}

/* Appends one tensor at *at. `layer` < 0 names a tensor outside the layers. */
static void add_tensor(struct model *m, size_t *at, int layer, const char *name, int rows, int cols)
{
    struct model_tensor *t = &m->tensors[m->n_tensors++];
    if (layer < 0)
        snprintf(t->name, sizeof t->name, "%s.weight", name);
    else
        snprintf(t->name, sizeof t->name, "model.layers.%d.%s.weight", layer, name);
    t->rows = rows;
    t->cols = cols;
    t->offset = *at;
    t->decay = cols > 0;
    *at += (size_t)rows * (size_t)(cols ? cols : 1);
}

static void add_tensors(struct model *m)
{
    const struct model_config *c = &m->cfg;
    const struct layout y = layout_of(c);
    size_t at = 0;
    add_tensor(m, &at, -1, "model.embed_tokens", c->vocab, y.width);
    for (int l = 0; l < c->layers; l++) {
        const struct layer_layout p = layout_layer(&y, l);
        CHECK(at == p.attn_norm);
        add_tensor(m, &at, l, "input_layernorm", y.width, 0);
        add_tensor(m, &at, l, "self_attn.q_proj", y.query, y.width);
        add_tensor(m, &at, l, "self_attn.k_proj", y.kv, y.width);
        add_tensor(m, &at, l, "self_attn.v_proj", y.kv, y.width);
        CHECK(at == p.out);
        add_tensor(m, &at, l, "self_attn.o_proj", y.width, y.query);
        add_tensor(m, &at, l, "post_attention_layernorm", y.width, 0);
        add_tensor(m, &at, l, "mlp.gate_proj", y.ff, y.width);
        add_tensor(m, &at, l, "mlp.up_proj", y.ff, y.width);
        CHECK(at == p.down);
        add_tensor(m, &at, l, "mlp.down_proj", y.width, y.ff);
    }
    add_tensor(m, &at, -1, "model.norm", y.width, 0);
    if (!c->tied)
        add_tensor(m, &at, -1, "lm_head", c->vocab, y.width);
    CHECK(at == y.n);
}

int model_alloc(const struct model_config *cfg, struct model *ret, struct err *err)
{
    TRY(model_config_check(cfg, err));
    struct model m = {.cfg = *cfg, .n_params = layout_of(cfg).n};
    size_t bytes = (m.n_params * sizeof(float) + 63) & ~(size_t)63;
    m.params = aligned_alloc(64, bytes);
    if (!m.params)
        return err_set(err, -ENOMEM, "no memory for a model of %zu parameters", m.n_params);
    memset(m.params, 0, bytes);
    m.tensors = xcalloc((size_t)cfg->layers * TENSORS_PER_LAYER + 3, sizeof *m.tensors);
    add_tensors(&m);
    *ret = m;
    return 0;
}

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), k = strlen(tail);
    return n >= k && strcmp(s + n - k, tail) == 0;
}

int model_create(const struct model_config *cfg, uint64_t seed, struct model *ret, struct err *err)
{
    struct model m = {0};
    TRY(model_alloc(cfg, &m, err));
    double residual = 1 / sqrt(2.0 * cfg->layers);
    for (int i = 0; i < m.n_tensors; i++) {
        const struct model_tensor *t = &m.tensors[i];
        float *w = m.params + t->offset;
        size_t n = (size_t)t->rows * (size_t)(t->cols ? t->cols : 1);
        /* Projections back onto the residual stream are smaller, so that its variance does not grow
         * with depth. */
        bool onto_residual =
            ends_with(t->name, "o_proj.weight") || ends_with(t->name, "down_proj.weight");
        double scale = 0.02 * (onto_residual ? residual : 1);
        struct rng rng = rng_make(seed, (uint64_t)i);
        for (size_t j = 0; j < n; j++)
            w[j] = t->cols ? (float)(scale * rng_normal(&rng)) : 1.0f;
    }
    *ret = m;
    return 0;
}

int model_copy(const struct model *from, struct model *ret)
{
    struct model m = {0};
    TRY(model_alloc(&from->cfg, &m, NULL));
    CHECK(m.params && m.n_params == from->n_params);
    memcpy(m.params, from->params, m.n_params * sizeof(float));
    *ret = m;
    return 0;
}

void model_free(struct model *m)
{
    if (!m)
        return;
    free(m->params);
    free(m->tensors);
    *m = (struct model){0};
}

const struct model_tensor *model_find(const struct model *m, const char *name)
{
    for (int i = 0; i < m->n_tensors; i++)
        if (strcmp(m->tensors[i].name, name) == 0)
            return &m->tensors[i];
    return NULL;
}
