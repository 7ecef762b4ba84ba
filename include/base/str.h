/* str.h: strings with lengths, and a growable byte buffer.
 * struct str borrows; nobody frees through it; no NUL is promised. struct buf owns its bytes. */
#ifndef ASSAY_BASE_STR_H
#define ASSAY_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"

struct str {
    const char *s;
    size_t len;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

static inline struct str str_of(const char *cstr)
{
    return (struct str){cstr, cstr ? strlen(cstr) : 0};
}

static inline struct str str_make(const char *s, size_t len)
{
    return (struct str){s, len};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

static inline bool str_starts(struct str a, struct str prefix)
{
    return a.len >= prefix.len && memcmp(a.s, prefix.s, prefix.len) == 0;
}

/* FNV-1a of the bytes, for tables. `h`: STR_HASH_START, or what stands for what came before. */
#define STR_HASH_START 2166136261u
static inline uint32_t str_hash(uint32_t h, struct str a)
{
    for (size_t i = 0; i < a.len; i++)
        h = (h ^ (unsigned char)a.s[i]) * 16777619u;
    return h;
}

/* The rest of `a` from byte `from` (clamped). */
static inline struct str str_from(struct str a, size_t from)
{
    if (from > a.len)
        from = a.len;
    return (struct str){a.s + from, a.len - from};
}

/* Position of the first `needle` at or after `from`, or -1. */
static inline ptrdiff_t str_find(struct str a, struct str needle, size_t from)
{
    if (from > a.len)
        return -1;
    const char *at = memmem(a.s + from, a.len - from, needle.s, needle.len);
    return at ? at - a.s : -1;
}

struct buf {
    char *s; /* NUL-terminated whenever non-NULL, len does not count it */
    size_t len, cap;
};

static inline void buf_reserve(struct buf *b, size_t more)
{
    size_t need;
    CHECK(!__builtin_add_overflow(b->len, more, &need) && need < SIZE_MAX / 4);
    if (need + 1 <= b->cap)
        return;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need + 1)
        cap *= 2;
    b->s = xrealloc(b->s, cap, 1);
    b->cap = cap;
}

static inline void buf_add(struct buf *b, const void *bytes, size_t n)
{
    buf_reserve(b, n);
    if (n)
        memcpy(b->s + b->len, bytes, n);
    b->len += n;
    b->s[b->len] = 0;
}

static inline void buf_str(struct buf *b, struct str s)
{
    buf_add(b, s.s, s.len);
}

static inline void buf_puts(struct buf *b, const char *cstr)
{
    buf_add(b, cstr, strlen(cstr));
}

static inline void buf_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

__attribute__((format(printf, 2, 0))) static inline void buf_vprintf(struct buf *b, const char *fmt,
                                                                     va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    CHECK(n >= 0);
    buf_reserve(b, (size_t)n);
    vsnprintf(b->s + b->len, (size_t)n + 1, fmt, again);
    va_end(again);
    b->len += (size_t)n;
}

__attribute__((format(printf, 2, 3))) static inline void buf_printf(struct buf *b, const char *fmt,
                                                                    ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

static inline void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->s)
        b->s[0] = 0;
}

/* Without the blanks and line ends around it. */
static inline struct str str_trim(struct str s)
{
    while (s.len && strchr(" \t\r\n", s.s[0]))
        s = str_from(s, 1);
    while (s.len && strchr(" \t\r\n", s.s[s.len - 1]))
        s.len--;
    return s;
}

static inline void buf_free(struct buf *b)
{
    free(b->s);
    *b = (struct buf){0};
}

static inline struct str buf_view(const struct buf *b)
{
    return (struct str){b->s ? b->s : "", b->len};
}

#endif
