/* arena.h: memory that is freed all at once. One arena a job or a rollout; blocks never move, so
 * pointers stay valid until arena_reset to an earlier mark or arena_free. Zeroed, 16-byte aligned. */
#ifndef ASSAY_BASE_ARENA_H
#define ASSAY_BASE_ARENA_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/str.h"

struct arena_block {
    struct arena_block *prev;
    size_t used, cap;
    _Alignas(16) char data[];
};

struct arena {
    struct arena_block *top;
};

static inline void *arena_alloc(struct arena *a, size_t n)
{
    CHECK(n < SIZE_MAX / 4);
    n = (n + 15) & ~(size_t)15;
    struct arena_block *b = a->top;
    if (!b || b->cap - b->used < n) {
        size_t cap = b ? b->cap * 2 : 4096;
        if (cap > (1u << 20))
            cap = 1u << 20;
        if (cap < n)
            cap = n;
        struct arena_block *fresh = xrealloc(NULL, sizeof *fresh + cap, 1);
        *fresh = (struct arena_block){.prev = b, .cap = cap};
        a->top = b = fresh;
    }
    void *p = b->data + b->used;
    b->used += n;
    return memset(p, 0, n);
}

#define ARENA_NEW(a, type)      ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), arena_bytes((n), sizeof(type))))

static inline size_t arena_bytes(size_t n, size_t size)
{
    size_t bytes;
    CHECK(!__builtin_mul_overflow(n, size, &bytes));
    return bytes;
}

/* A NUL-terminated copy that lives as long as the arena. */
static inline struct str arena_str(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.len + 1);
    if (s.len)
        memcpy(p, s.s, s.len);
    return (struct str){p, s.len};
}

static inline void arena_free(struct arena *a)
{
    while (a->top) {
        struct arena_block *prev = a->top->prev;
        free(a->top);
        a->top = prev;
    }
}

#endif
