/* lint_memory.c: where tree-sitter's memory for one text comes from.
 *
 * A parse asks for thousands of small blocks, and all of them may go when its text has been dealt
 * with. So blocks are cut off the front of a region one after the other; one that is given back
 * waits in a list of its size for the next that wants it, which keeps a long fight with errors from
 * growing without end; and nothing of a tree is released piece by piece: linter_memory_reset
 * forgets all blocks at once. The region's first part stays, so that the next text finds it where
 * the last one left it, in the caches; what a large text took beyond it goes back.
 *
 * What is made before linter_memory_begin, the queries, is from malloc and stays. */
#include "base/check.h"
#include "linter.h"

enum {
    GRAIN = 16,
    SMALL_MAX = 1024, /* a list for each multiple of GRAIN up to here, past it one a power of two */
    SMALL_LISTS = SMALL_MAX / GRAIN,
    LISTS = SMALL_LISTS + 32,
    HOME_BYTES = 1 << 20,
    PART_BYTES = 4 << 20,
    BLOCK_BYTES_MAX = 1 << 30,
};

/* Before each block; its size is that of its list. */
struct head {
    size_t bytes;
    struct head *next; /* while it waits */
};
_Static_assert(sizeof(struct head) == GRAIN, "blocks are aligned as malloc's are");

struct part {
    struct part *prev;
    size_t zero;
    char bytes[];
};

static _Alignas(GRAIN) char home[HOME_BYTES];
static struct part *parts; /* beyond home */
static char *at, *end;
static struct head *waiting[LISTS];

/* The list of a block, and how many bytes its blocks have. */
static int list_of(size_t n, size_t *ret_bytes)
{
    CHECK(n <= BLOCK_BYTES_MAX);
    if (n <= SMALL_MAX) {
        const size_t grains = n ? (n + GRAIN - 1) / GRAIN : 1;
        *ret_bytes = grains * GRAIN;
        return (int)grains - 1;
    }
    const int power = 64 - __builtin_clzl(n - 1);
    *ret_bytes = (size_t)1 << power;
    return SMALL_LISTS + power;
}

static void add_part(size_t n)
{
    const size_t bytes = n > PART_BYTES ? n : PART_BYTES;
    struct part *p = xrealloc(NULL, sizeof *p + bytes, 1);
    p->prev = parts;
    parts = p;
    at = p->bytes;
    end = at + bytes;
}

static void *take(size_t n)
{
    size_t bytes;
    const int list = list_of(n, &bytes);
    struct head *h = waiting[list];
    if (h) {
        waiting[list] = h->next;
        return h + 1;
    }
    if ((size_t)(end - at) < sizeof *h + bytes)
        add_part(sizeof *h + bytes);
    h = (struct head *)at;
    h->bytes = bytes;
    at += sizeof *h + bytes;
    return h + 1;
}

static void *take_zeroed(size_t count, size_t size)
{
    size_t n;
    CHECK(!__builtin_mul_overflow(count, size, &n));
    return memset(take(n), 0, n);
}

static void give_back(void *block)
{
    size_t bytes;
    if (!block)
        return;
    struct head *h = (struct head *)block - 1;
    const int list = list_of(h->bytes, &bytes);
    h->next = waiting[list];
    waiting[list] = h;
}

static void *take_larger(void *block, size_t n)
{
    if (!block)
        return take(n);
    const struct head *h = (struct head *)block - 1;
    if (n <= h->bytes)
        return block;
    void *larger = take(n);
    memcpy(larger, block, h->bytes);
    give_back(block);
    return larger;
}

void linter_memory_begin(void)
{
    at = home;
    end = home + sizeof home;
    ts_set_allocator(take, take_zeroed, take_larger, give_back);
}

void linter_memory_reset(void)
{
    while (parts) {
        struct part *prev = parts->prev;
        free(parts);
        parts = prev;
    }
    memset(waiting, 0, sizeof waiting);
    at = home;
    end = home + sizeof home;
}

void linter_memory_end(void)
{
    linter_memory_reset();
    ts_set_allocator(NULL, NULL, NULL, NULL); /* malloc again */
}
