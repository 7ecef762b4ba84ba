/* safetensors.h: the safetensors file format: many named tensors in one file, read in place.
 *
 *   u64, little-endian: length of the header
 *   header: JSON {NAME: {"dtype", "shape", "data_offsets": [from, to]}, "__metadata__": {...}},
 *       padded with spaces
 *   the tensors' bytes, row-major, little-endian, back to back; offsets count from here
 *
 * A file is refused unless its tensors cover the bytes after the header exactly, without gap or
 * overlap, and every length is the product of shape and element size. */
#ifndef ASSAY_SAFETENSORS_H
#define ASSAY_SAFETENSORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { ST_RANK_MAX = 8, ST_HEADER_BYTES_MAX = 100 << 20 };

struct st_tensor {
    const char *name;
    const char *dtype; /* "F32", "BF16", ... */
    int rank;
    int64_t shape[ST_RANK_MAX];
    size_t count;         /* elements */
    const uint8_t *bytes; /* not aligned */
    size_t n_bytes;
};

struct safetensors {
    json_t *header;      /* owns the names */
    struct st_tensor *v; /* in the order of their bytes */
    int n;
    void *map; /* NULL when the bytes are the caller's */
    size_t map_size;
};

int st_open(const char *path, struct safetensors *ret, struct err *err);
/* The same over bytes that the caller keeps; `name` stands for the file in messages. */
int st_parse(const char *name, const uint8_t *bytes, size_t size, struct safetensors *ret,
             struct err *err);
void st_close(struct safetensors *st);
const struct st_tensor *st_find(const struct safetensors *st, const char *name);
/* F32, F16 and BF16 as floats; -ENOTSUP for any other dtype. `out` holds t->count. */
int st_read_f32(const struct st_tensor *t, float *out);

struct st_source {
    const char *name;
    int rank;
    int64_t shape[ST_RANK_MAX];
    const float *values;
    bool bf16;       /* rounded to the nearest, ties to even; else F32 */
    bool transposed; /* shape [a, b] is written as [b, a] */
};
/* Writes the tensors in the given order (temporary, fsync, rename). Equal input, equal bytes. */
int st_write(const char *path, const struct st_source *tensors, int n, struct err *err);

#endif
