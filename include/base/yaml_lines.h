/* yaml_lines.h: a read YAML file, and on which line each of its nodes and keys stands. `true`,
 * `false` and `null` are shared objects in jansson: their line is found through their key only. */
#ifndef ASSAY_BASE_YAML_LINES_H
#define ASSAY_BASE_YAML_LINES_H

#include <jansson.h>
#include <stdint.h>

#include "base/check.h"

struct yaml_at {
    const void *p; /* a node, or the key text inside its object */
    int line;
};

struct yaml {
    json_t *docs; /* array of documents */
    struct yaml_at *at;
    size_t n, cap; /* open addressing; cap is a power of two, or 0 */
};

static inline struct yaml_at *yaml__slot(struct yaml_at *at, size_t cap, const void *p)
{
    size_t i = ((uintptr_t)p >> 4) * 0x9e3779b97f4a7c15ull >> 20;
    for (i &= cap - 1; at[i].p && at[i].p != p; i = (i + 1) & (cap - 1))
        ;
    return &at[i];
}

static inline void yaml__keep_line(struct yaml *y, const void *p, int line)
{
    if (2 * y->n >= y->cap) {
        size_t cap = y->cap ? 2 * y->cap : 64;
        struct yaml_at *grown = xcalloc(cap, sizeof *grown);
        for (size_t i = 0; i < y->cap; i++)
            if (y->at[i].p)
                *yaml__slot(grown, cap, y->at[i].p) = y->at[i];
        free(y->at);
        y->at = grown;
        y->cap = cap;
    }
    struct yaml_at *slot = yaml__slot(y->at, y->cap, p);
    y->n += !slot->p;
    *slot = (struct yaml_at){p, line};
}

static inline int yaml_line(const struct yaml *y, const json_t *node)
{
    return y->cap ? yaml__slot(y->at, y->cap, node)->line : 0;
}

/* The line where `key` stands in `object`, 0 if unknown. */
static inline int yaml_key_line(const struct yaml *y, const json_t *object, const char *key)
{
    void *it = json_object_iter_at((json_t *)object, key);
    return it && y->cap ? yaml__slot(y->at, y->cap, json_object_iter_key(it))->line : 0;
}

#endif
