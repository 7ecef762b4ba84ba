/* decode.h: the forward pass of the sampler: many rows, each one token of some sequence, against
 * cached keys and values. A row's bits do not depend on the rows that ride with it. */
#ifndef ASSAY_DECODE_H
#define ASSAY_DECODE_H

#include "trainer/model/model.h"

/* Weights of one model laid out for product.h, with the table of rotations. Shared by all
 * workers, read only. */
struct packed_model;
struct packed_model *packed_model_new(const struct model *m, int positions, struct team *team);
void packed_model_free(struct packed_model *p);
/* What it takes; m's params are not read. */
size_t packed_model_bytes(const struct model *m);

/* Cached keys and values of `cap` consecutive tokens, in all layers. Keys lie in blocks of 16
 * tokens, [E][16] each, so that scores are computed for 16 tokens at once; values lie in rows. */
struct kv_segment {
    float *keys, *values;
    int cap; /* a multiple of 16 */
    int n;   /* tokens of a finished prefix; rows count for themselves */
};
size_t kv_floats(const struct model *m, int cap);
/* Lays a segment over kv_floats(m, cap) floats of any values. cap is rounded up. */
struct kv_segment kv_segment_at(const struct model *m, int cap, float *at);
int kv_cap(int tokens);
/* The first n tokens of `from` become those of `to`. */
void kv_copy(const struct model *m, const struct kv_segment *from, const struct kv_segment *to,
             int n);

/* One row: `token` at `position`. Its key and value go to own at position - prefix length; it sees
 * the prefix and own up to itself. */
struct decode_row {
    int32_t token;
    int position;
    const struct kv_segment *prefix; /* may be NULL */
    struct kv_segment *own;
};

struct decoder; /* one per worker: activations of at most rows_max rows */
struct decoder *decoder_new(const struct packed_model *p, int rows_max);
void decoder_free(struct decoder *d);
size_t decoder_bytes(const struct model *m, int positions, int rows_max);
/* Rows of one sequence must come in order. ret_logits [n, V], or NULL: only the cache is filled. */
void decoder_step(struct decoder *d, const struct decode_row *rows, int n, float *ret_logits);

#endif
