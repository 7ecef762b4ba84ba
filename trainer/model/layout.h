/* layout.h: where the parts of a model lie in its flat block. The same offsets serve parameters,
 * gradients and moments. The q, k and v matrices of a layer are adjacent, and so are gate and up,
 * so that each group is one matrix to multiply by. */
#ifndef ASSAY_LAYOUT_H
#define ASSAY_LAYOUT_H

#include "trainer/model/model.h"

struct layer_layout {
    size_t attn_norm; /* [D] */
    size_t qkv;       /* [(H + 2G)E, D] */
    size_t out;       /* [D, HE] */
    size_t mlp_norm;  /* [D] */
    size_t gate_up;   /* [2F, D] */
    size_t down;      /* [D, F] */
};

struct layout {
    int width, query, kv, qkv, ff; /* D, HE, GE, HE + 2GE, F */
    size_t embed, layers, layer_stride, norm, head, n;
};

static inline struct layout layout_of(const struct model_config *c)
{
    struct layout y = {.width = c->width,
                       .query = c->heads * c->head_dim,
                       .kv = c->kv_heads * c->head_dim,
                       .ff = c->ff};
    y.qkv = y.query + 2 * y.kv;
    size_t d = (size_t)y.width;
    y.layers = (size_t)c->vocab * d;
    y.layer_stride = 2 * d + d * (size_t)(y.qkv + y.query) + 3 * d * (size_t)y.ff;
    y.norm = y.layers + (size_t)c->layers * y.layer_stride;
    y.head = c->tied ? y.embed : y.norm + d;
    y.n = y.norm + d + (c->tied ? 0 : (size_t)c->vocab * d);
    return y;
}

static inline struct layer_layout layout_layer(const struct layout *y, int layer)
{
    size_t d = (size_t)y->width, at = y->layers + (size_t)layer * y->layer_stride;
    struct layer_layout p = {.attn_norm = at};
    p.qkv = p.attn_norm + d;
    p.out = p.qkv + d * (size_t)y->qkv;
    p.mlp_norm = p.out + d * (size_t)y->query;
    p.gate_up = p.mlp_norm + d;
    p.down = p.gate_up + 2 * d * (size_t)y->ff;
    return p;
}

#endif
