/* lora.h: low-rank adapters (Hu et al. 2021): a matrix W[out, in] of a layer acts as
 * W + (alpha / rank) B A, with A[rank, in] and B[out, rank]. A starts at random and B at zero, so
 * that an adapter changes nothing at first; it alone is trained. Files: lora_file.c. */
#ifndef ASSAY_LORA_H
#define ASSAY_LORA_H

#include <jansson.h>

#include "trainer/model/model.h"

enum { LORA_RANK_MAX = 1024 };

/* The products of a layer. Queries, keys and values come from one, so do gate and up; each of these
 * may be adapted by itself. */
enum lora_product { LORA_QKV, LORA_OUT, LORA_UP, LORA_DOWN };

struct lora {
    int rank;
    float alpha;
    unsigned targets; /* bit i: matrix i of a layer */
    float *params;    /* one block, 64-byte aligned */
    size_t n_params;
    struct model_tensor *tensors; /* layer by layer, A and B of each target, under PEFT's names */
    int n_tensors;
};

/* Which matrices `names` mean, all of them when n is 0: "q", "q_proj" or "self_attn.q_proj", for
 * GPT-2 "c_attn", "attn.c_proj", "c_fc" or "mlp.c_proj"; a name that ends several (c_proj) means
 * each. `what` names the list in the message. */
int lora_targets(const struct model_config *c, const char *const *names, int n, const char *what,
                 unsigned *ret, struct err *err);
/* The name of target i in PEFT's target_modules, NULL past the last. */
const char *lora_target_name(const struct model_config *c, int i);

/* All zeros; file loaders fill it. */
struct lora *lora_alloc(const struct model_config *c, int rank, float alpha, unsigned targets);
/* A uniform within 1 / sqrt(in), as PEFT has it; B zero. */
struct lora *lora_create(const struct model_config *c, int rank, float alpha, unsigned targets,
                         uint64_t seed);
struct lora *lora_copy(const struct lora *from);
void lora_free(struct lora *a);

/* `scratch` holds 2 n rank floats.
 * y += what the adapter adds to this product of x; y is as wide as the whole product. */
void lora_forward(const struct model *m, int layer, enum lora_product p, int n, const float *x,
                  float *y, float *scratch);
/* dx += the adapter's part. */
void lora_dx(const struct model *m, int layer, enum lora_product p, int n, const float *dy,
             float *dx, float *scratch);
/* grads, laid out as the adapter, += the gradients of A and B. */
void lora_dw(const struct model *m, int layer, enum lora_product p, int n, const float *dy,
             const float *x, float *grads, float *scratch);

/* w, this product's matrix or a copy of it, becomes what product and adapter are together. */
void lora_merge(const struct model *m, int layer, enum lora_product p, float *w);
/* The same for the whole model, which then has no adapter any more. */
void model_merge(struct model *m);

/* ---- lora_file.c: DIR/adapter_config.json and DIR/adapter_model.safetensors, as PEFT has them -- */
/* `base` is the folder of the model that it adapts. */
int lora_save(const struct model *m, const char *base, const char *dir, struct err *err);
/* An adapter for m; errors name file, key or tensor. */
int lora_load(const char *dir, const struct model *m, struct lora **ret, struct err *err);
/* From a parsed adapter_config.json alone, the tensors zero; `path` stands for it in messages. */
int lora_parse(const char *path, const json_t *config, const struct model *m, struct lora **ret,
               struct err *err);

#endif
