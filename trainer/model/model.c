#include "trainer/model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "trainer/kernels/pages.h"
#include "trainer/model/layout.h"
#include "trainer/model/lora.h"

/* Far above any model that one machine trains; they keep every product of two sizes inside an int
 * or a size_t. */
enum {
    VOCAB_MAX = 1 << 20,
    WIDTH_MAX = 1 << 15,
    LAYERS_MAX = 1 << 10,
    HEADS_MAX = 1 << 10,
    POSITIONS_MAX = 1 << 20
};

enum { TENSORS_PER_LAYER = 16, TENSORS_OUTSIDE = 5 };

const char *const model_family_names[] = {"llama", "qwen2", "qwen3", "gpt2", NULL};

void model_config_family(struct model_config *c)
{
    const bool gpt2 = c->family == MODEL_GPT2;
    c->qkv_bias = c->family == MODEL_QWEN2 || gpt2;
    c->qk_norm = c->family == MODEL_QWEN3;
    c->bias = c->layer_norm = c->gelu = c->learned_positions = gpt2;
}

bool model_ends(const struct model_config *c, int32_t token)
{
    bool ends = token == c->eos_id;
    for (int i = 0; i < c->n_more_eos; i++)
        ends |= token == c->more_eos[i];
    return ends;
}

static int check_range(const char *field, int value, int low, int high, struct err *err)
{
    if (value < low || value > high)
        return err_set(err, -EINVAL, "%s is %d: it must be between %d and %d", field, value, low,
                       high);
    return 0;
}

static int check_rope(const struct model_config *c, struct err *err)
{
    const struct rope_scaling *r = &c->rope;
    if (r->kind == ROPE_PLAIN)
        return 0;
    if (!(r->factor > 0) || !isfinite(r->factor))
        return err_set(err, -EINVAL, "rope_scaling.factor is %g: it must be positive",
                       (double)r->factor);
    if (r->kind == ROPE_LLAMA3 &&
        (!(r->low_factor > 0) || !(r->high_factor > r->low_factor) || r->original_positions < 1))
        return err_set(err, -EINVAL,
                       "rope_scaling needs 0 < low_freq_factor < high_freq_factor and "
                       "original_max_position_embeddings");
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
    TRY(check_rope(c, err));
    if (c->family == MODEL_GPT2 && (c->kv_heads != c->heads || c->heads * c->head_dim != c->width))
        return err_set(err, -EINVAL,
                       "a gpt2 model has as many key heads as heads, and heads of "
                       "width / heads each");
    if (c->head_dim % 2 != 0)
        return err_set(err, -EINVAL, "head_dim is %d: it must be even", c->head_dim);
    if (!(c->rope_theta > 0) || !isfinite(c->rope_theta))
        return err_set(err, -EINVAL, "rope_theta is %g: it must be positive",
                       (double)c->rope_theta);
    if (!(c->norm_eps > 0) || !isfinite(c->norm_eps))
        return err_set(err, -EINVAL, "%s is %g: it must be positive",
                       c->layer_norm ? "layer_norm_epsilon" : "rms_norm_eps", (double)c->norm_eps);
    return 0;
}

/* Appends one tensor at *at. `layer` < 0 names a tensor outside the layers. */
static struct model_tensor *add_tensor(struct model *m, size_t *at, int layer, const char *name,
                                       int rows, int cols)
{
    struct model_tensor *t = &m->tensors[m->n_tensors++];
    if (layer < 0)
        snprintf(t->name, sizeof t->name, "%s", name);
    else
        snprintf(t->name, sizeof t->name, "%s.%d.%s",
                 m->cfg.family == MODEL_GPT2 ? "transformer.h" : "model.layers", layer, name);
    t->rows = rows;
    t->cols = cols;
    t->offset = *at;
    t->decay = cols > 0;
    *at += (size_t)rows * (size_t)(cols ? cols : 1);
    return t;
}

static void add_layer(struct model *m, size_t *at, const struct layout *y, int l)
{
    const struct model_config *c = &m->cfg;
    add_tensor(m, at, l, "input_layernorm.weight", y->width, 0);
    add_tensor(m, at, l, "self_attn.q_proj.weight", y->query, y->width);
    add_tensor(m, at, l, "self_attn.k_proj.weight", y->kv, y->width);
    add_tensor(m, at, l, "self_attn.v_proj.weight", y->kv, y->width);
    if (c->qkv_bias) {
        add_tensor(m, at, l, "self_attn.q_proj.bias", y->query, 0);
        add_tensor(m, at, l, "self_attn.k_proj.bias", y->kv, 0);
        add_tensor(m, at, l, "self_attn.v_proj.bias", y->kv, 0);
    }
    if (c->qk_norm) {
        add_tensor(m, at, l, "self_attn.q_norm.weight", c->head_dim, 0);
        add_tensor(m, at, l, "self_attn.k_norm.weight", c->head_dim, 0);
    }
    add_tensor(m, at, l, "self_attn.o_proj.weight", y->width, y->query);
    add_tensor(m, at, l, "post_attention_layernorm.weight", y->width, 0);
    add_tensor(m, at, l, "mlp.gate_proj.weight", y->ff, y->width);
    add_tensor(m, at, l, "mlp.up_proj.weight", y->ff, y->width);
    add_tensor(m, at, l, "mlp.down_proj.weight", y->width, y->ff);
}

/* GPT-2's matrices are [in, out] in files. */
static void add_layer_gpt2(struct model *m, size_t *at, const struct layout *y, int l)
{
    add_tensor(m, at, l, "ln_1.weight", y->width, 0);
    add_tensor(m, at, l, "ln_1.bias", y->width, 0);
    add_tensor(m, at, l, "attn.c_attn.weight", y->qkv, y->width)->transposed = true;
    add_tensor(m, at, l, "attn.c_attn.bias", y->qkv, 0);
    add_tensor(m, at, l, "attn.c_proj.weight", y->width, y->query)->transposed = true;
    add_tensor(m, at, l, "attn.c_proj.bias", y->width, 0);
    add_tensor(m, at, l, "ln_2.weight", y->width, 0);
    add_tensor(m, at, l, "ln_2.bias", y->width, 0);
    add_tensor(m, at, l, "mlp.c_fc.weight", y->ff, y->width)->transposed = true;
    add_tensor(m, at, l, "mlp.c_fc.bias", y->ff, 0);
    add_tensor(m, at, l, "mlp.c_proj.weight", y->width, y->ff)->transposed = true;
    add_tensor(m, at, l, "mlp.c_proj.bias", y->width, 0);
}

static void add_tensors(struct model *m)
{
    const struct model_config *c = &m->cfg;
    const struct layout y = layout_of(c);
    const bool gpt2 = c->family == MODEL_GPT2;
    size_t at = 0;
    add_tensor(m, &at, -1, gpt2 ? "transformer.wte.weight" : "model.embed_tokens.weight", c->vocab,
               y.width);
    if (c->learned_positions)
        add_tensor(m, &at, -1, "transformer.wpe.weight", c->max_positions, y.width);
    for (int l = 0; l < c->layers; l++) {
        CHECK(at == layout_layer(c, &y, l).attn_norm);
        (gpt2 ? add_layer_gpt2 : add_layer)(m, &at, &y, l);
        CHECK(at == layout_layer(c, &y, l).end);
    }
    add_tensor(m, &at, -1, gpt2 ? "transformer.ln_f.weight" : "model.norm.weight", y.width, 0);
    if (c->layer_norm)
        add_tensor(m, &at, -1, "transformer.ln_f.bias", y.width, 0);
    if (!c->tied)
        add_tensor(m, &at, -1, "lm_head.weight", c->vocab, y.width);
    CHECK(at == y.n);
}

int model_alloc(const struct model_config *cfg, struct model *ret, struct err *err)
{
    TRY(model_config_check(cfg, err));
    struct model m = {.cfg = *cfg, .n_params = layout_of(cfg).n};
    m.params = pages_zeroed(m.n_params);
    if (!m.params)
        return err_set(err, -ENOMEM, "no memory for a model of %zu parameters", m.n_params);
    m.tensors =
        xcalloc((size_t)cfg->layers * TENSORS_PER_LAYER + TENSORS_OUTSIDE, sizeof *m.tensors);
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
        bool onto_residual = ends_with(t->name, "o_proj.weight") ||
                             ends_with(t->name, "down_proj.weight") ||
                             ends_with(t->name, "c_proj.weight");
        float still = ends_with(t->name, ".bias") ? 0.0f : 1.0f;
        double scale = 0.02 * (onto_residual ? residual : 1);
        struct rng rng = rng_make(seed, (uint64_t)i);
        for (size_t j = 0; j < n; j++)
            w[j] = t->cols ? (float)(scale * rng_normal(&rng)) : still;
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
    m.lora = from->lora ? lora_copy(from->lora) : NULL;
    m.recompute = from->recompute;
    m.compute = from->compute;
    *ret = m;
    return 0;
}

int model_snapshot(const struct model *from, struct model *ret)
{
    if (!from->lora)
        return model_copy(from, ret);
    struct model m = *from;
    m.lora = lora_copy(from->lora);
    m.borrowed = true;
    *ret = m;
    return 0;
}

struct model_trained model_trained(const struct model *m)
{
    const struct lora *a = m->lora;
    return a ? (struct model_trained){a->params, a->n_params, a->tensors, a->n_tensors}
             : (struct model_trained){m->params, m->n_params, m->tensors, m->n_tensors};
}

void model_free(struct model *m)
{
    if (!m)
        return;
    if (!m->borrowed) {
        free(m->params);
        free(m->tensors);
        free(m->generation_config);
        free(m->config);
    }
    lora_free(m->lora);
    *m = (struct model){0};
}

const struct model_tensor *model_find(const struct model *m, const char *name)
{
    for (int i = 0; i < m->n_tensors; i++)
        if (strcmp(m->tensors[i].name, name) == 0)
            return &m->tensors[i];
    return NULL;
}
