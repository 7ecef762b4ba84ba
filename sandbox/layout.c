/* layout.c: lays out the template's memory for the guests that are forked from it.
 *
 * A guest's own work is short: compiling and running a small program takes a tenth of the time
 * that its first touch of 280 pages takes, each a fault. Two kinds of them can be had for less.
 *
 * Holes. Python's allocator serves small blocks from pools of one size. After the imports most
 * sizes have a few pools with a few free blocks each, all over the heap, and a guest that needs a
 * thousand blocks copies dozens of the template's pages to get them. So the holes are filled up
 * here, with blocks that nobody ever frees, until every size is served from an arena that nothing
 * has been taken from: its pages are new to a guest, which is half the price, and lie together.
 *
 * Code. A fork leaves the pages of files behind, and the guest finds each cluster of the
 * library's code again by a fault. Anonymous memory is taken along, and where the kernel has large
 * pages two megabytes of it are one entry. The part of the library's code and constants that fills
 * large pages is therefore copied to such memory, which then takes its place. Constants in it
 * become executable; a guest may make any memory of its own executable, and gains nothing. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "sandbox/layout.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum {
    SMALL_PAGE = 4096,
    LARGE_PAGE = 2 << 20,
    BLOCK_STEP = 16,
    BLOCK_MAX = 512,      /* larger blocks are the C library's */
    FILLERS_MAX = 1 << 18 /* of one size; there are some thousands */
};

/* ---- holes ----------------------------------------------------------------------------------- */

static struct {
    PyObjectArenaAllocator python;
    uintptr_t from, to; /* the newest arena */
    int taken;
} arenas;

static void *take_arena(void *ctx, size_t size)
{
    void *arena = arenas.python.alloc(ctx, size);
    arenas.taken += arena != NULL;
    arenas.from = (uintptr_t)arena;
    arenas.to = arenas.from + size;
    return arena;
}

static bool is_in_newest(const void *block)
{
    return (uintptr_t)block >= arenas.from && (uintptr_t)block < arenas.to;
}

/* Takes blocks until one comes from the newest arena, which is given back. */
static void fill(size_t size)
{
    for (int i = 0; i < FILLERS_MAX; i++) {
        void *block = PyObject_Malloc(size);
        if (!block || is_in_newest(block)) {
            PyObject_Free(block);
            return;
        }
    }
}

static void fill_holes(void)
{
    PyObject_GetArenaAllocator(&arenas.python);
    PyObjectArenaAllocator counting = arenas.python;
    counting.alloc = take_arena;
    PyObject_SetArenaAllocator(&counting);
    /* The largest blocks use up what pools are free, so that the next one is of a new arena. */
    for (int i = 0; i < FILLERS_MAX && arenas.taken == 0; i++)
        if (!PyObject_Malloc(BLOCK_MAX))
            break;
    for (size_t size = BLOCK_STEP; arenas.taken && size <= BLOCK_MAX; size += BLOCK_STEP)
        fill(size);
    PyObject_SetArenaAllocator(&arenas.python);
}

/* ---- code ------------------------------------------------------------------------------------ */

/* The library's segments that are not written to, side by side. */
struct constant {
    uintptr_t inside, from, to;
};

static int find_constant(struct dl_phdr_info *library, size_t size, void *ctx)
{
    struct constant *c = ctx;
    bool found = false;
    (void)size;
    c->from = c->to = 0;
    for (int i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &library->dlpi_phdr[i];
        const uintptr_t from = (library->dlpi_addr + segment->p_vaddr) & -(uintptr_t)SMALL_PAGE;
        const uintptr_t to = library->dlpi_addr + segment->p_vaddr + segment->p_memsz;
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W))
            continue;
        if (from != c->to && found)
            break;
        if (from != c->to)
            c->from = from;
        c->to = (to + SMALL_PAGE - 1) & -(uintptr_t)SMALL_PAGE;
        found = found || (c->inside >= from && c->inside < to);
    }
    return found;
}

/* Large pages of memory, at an address that is a multiple of theirs; NULL where there are none. */
static char *take_large_pages(size_t len)
{
    const size_t span = len + LARGE_PAGE;
    char *all = mmap(NULL, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    const size_t before = -(uintptr_t)all & (LARGE_PAGE - 1);
    char *large = all + before;
    if (before)
        munmap(all, before);
    munmap(large + len, span - before - len);
    memset(large, 0, len);
    if (madvise(large, len, MADV_COLLAPSE) == 0)
        return large;
    munmap(large, len);
    return NULL;
}

static void move_code(void)
{
    struct constant c = {.inside = (uintptr_t)Py_IncRef};
    if (!dl_iterate_phdr(find_constant, &c))
        return;
    const uintptr_t from = (c.from + LARGE_PAGE - 1) & -(uintptr_t)LARGE_PAGE;
    const uintptr_t to = c.to & -(uintptr_t)LARGE_PAGE;
    char *copy = from < to ? take_large_pages(to - from) : NULL;
    if (!copy)
        return;
    memcpy(copy, (const void *)from, to - from);
    if (mprotect(copy, to - from, PROT_READ | PROT_EXEC) != 0) {
        munmap(copy, to - from);
        return;
    }
    /* None of that code runs now, and the C library's mremap does not lie in it. */
    CHECK(mremap(copy, to - from, to - from, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)from) ==
          (void *)from);
}

void sbx__layout(void)
{
    fill_holes();
    move_code();
}
