/* layout.h: where the parts of a model lie in its flat block. The same offsets serve parameters,
 * gradients and moments. The q, k and v matrices of a layer are adjacent, and so are gate and up,
 * so that each group is one matrix to multiply by. A part that a model does not have is at 0, where
 * the embedding is. */
#ifndef ASSAY_LAYOUT_H
#define ASSAY_LAYOUT_H

#include "trainer/model/model.h"

struct layer_layout {
    size_t attn_norm;       /* [D], and its bias [D] where norms are LayerNorm */
    size_t qkv, qkv_bias;   /* [(H + 2G)E, D], [(H + 2G)E] */
    size_t q_norm, k_norm;  /* [E] each */
    size_t out, out_bias;   /* [D, HE], [D] */
    size_t mlp_norm;        /* as attn_norm */
    size_t up, up_bias;     /* gate and up [2F, D], or up alone [F, D]; its bias [F] */
    size_t down, down_bias; /* [D, F], [D] */
    size_t end;
};

struct layout {
    int width, query, kv, qkv, ff, up; /* D, HE, GE, HE + 2GE, F, rows of `up` */
    size_t embed, positions, layers, layer_stride, norm, head, n;
};

static inline size_t layout_norm_size(const struct model_config *c)
{
    return (size_t)c->width * (c->layer_norm ? 2 : 1);
}

/* Takes `size` floats at *at; 0 without them. */
static inline size_t layout_take(size_t *at, size_t size)
{
    size_t here = size ? *at : 0;
    *at += size;
    return here;
}

/* Offsets of a layer that begins at `at`. */
static inline struct layer_layout layout_layer_at(const struct model_config *c, size_t at)
{
    const size_t d = (size_t)c->width, e = (size_t)c->head_dim, f = (size_t)c->ff;
    const size_t query = (size_t)c->heads * e, qkv = query + 2 * (size_t)c->kv_heads * e,
                 up = c->gelu ? f : 2 * f;
    struct layer_layout p;
    p.attn_norm = layout_take(&at, layout_norm_size(c));
    p.qkv = layout_take(&at, qkv * d);
    p.qkv_bias = layout_take(&at, c->qkv_bias ? qkv : 0);
    p.q_norm = layout_take(&at, c->qk_norm ? e : 0);
    p.k_norm = layout_take(&at, c->qk_norm ? e : 0);
    p.out = layout_take(&at, d * query);
    p.out_bias = layout_take(&at, c->bias ? d : 0);
    p.mlp_norm = layout_take(&at, layout_norm_size(c));
    p.up = layout_take(&at, up * d);
    p.up_bias = layout_take(&at, c->bias ? up : 0);
    p.down = layout_take(&at, d * f);
    p.down_bias = layout_take(&at, c->bias ? d : 0);
    p.end = at;
    return p;
}

static inline struct layout layout_of(const struct model_config *c)
{
    struct layout y = {.width = c->width,
                       .query = c->heads * c->head_dim,
                       .kv = c->kv_heads * c->head_dim,
                       .ff = c->ff,
                       .up = c->gelu ? c->ff : 2 * c->ff};
    const size_t table = (size_t)c->vocab * (size_t)c->width;
    size_t at = table;
    y.qkv = y.query + 2 * y.kv;
    y.positions =
        layout_take(&at, c->learned_positions ? (size_t)c->max_positions * (size_t)c->width : 0);
    y.layers = at;
    y.layer_stride = layout_layer_at(c, at).end - at;
    at += (size_t)c->layers * y.layer_stride;
    y.norm = layout_take(&at, layout_norm_size(c));
    y.head = layout_take(&at, c->tied ? 0 : table);
    y.n = at;
    return y;
}

static inline struct layer_layout layout_layer(const struct model_config *c, const struct layout *y,
                                               int layer)
{
    return layout_layer_at(c, y->layers + (size_t)layer * y->layer_stride);
}

/* Weights in the largest product of a layer. */
static inline size_t layout_product_max(const struct layout *y)
{
    const int wide = y->qkv > y->up ? y->qkv : y->up, deep = y->query > y->ff ? y->query : y->ff;
    return (size_t)(wide > deep ? wide : deep) * (size_t)y->width;
}

#endif
