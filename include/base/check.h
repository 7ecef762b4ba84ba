/* check.h: assertions that stay in release builds.
 * CHECK is for programmer errors only: a false one is a bug in assay, never bad input. */
#ifndef ASSAY_BASE_CHECK_H
#define ASSAY_BASE_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0)) {                                                        \
            fprintf(stderr, "%s:%d: %s: CHECK failed: %s\n", __FILE__, __LINE__, __func__, #cond); \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#ifdef NDEBUG_SLOW
#define CHECK_SLOW(cond) ((void)0)
#else
#define CHECK_SLOW(cond) CHECK(cond)
#endif

/* Returns from the enclosing function when `expr` is negative: the one macro with a hidden return. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        int try_rc__ = (expr);                                                                     \
        if (try_rc__ < 0)                                                                          \
            return try_rc__;                                                                       \
    } while (0)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Allocation failure ends the process: no caller can do better with less memory. A process whose
 * memory somebody else spends says here how it wants to end. */
__attribute__((weak)) void (*check_no_memory)(void);

static inline void *check_alloc(void *p)
{
    if (!p && check_no_memory)
        check_no_memory();
    CHECK(p != NULL);
    return p;
}

static inline void *xcalloc(size_t n, size_t size)
{
    return check_alloc(calloc(n ? n : 1, size ? size : 1));
}

static inline void *xrealloc(void *p, size_t n, size_t size)
{
    size_t bytes;
    CHECK(!__builtin_mul_overflow(n, size, &bytes));
    return check_alloc(realloc(p, bytes ? bytes : 1));
}

#endif
