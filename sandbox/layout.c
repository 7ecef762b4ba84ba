/* layout.c: lays out the template's memory for the guests that are forked from it.
 *
 * A guest's own work is short: compiling and running a small program takes a fraction of the time
 * that its first touch of 150 pages takes, each a fault; it was 350 before the holes were filled
 * and the usual imports run beforehand (guest_program.c). And a fork copies an entry for each of two
 * thousand pages. Three things cost less here.
 *
 * Holes. Python's allocator serves small blocks from pools of one size. After the imports most
 * sizes have a few pools with a few free blocks each, all over the heap, and a guest that needs a
 * thousand blocks copies dozens of the template's pages to get them. So the holes are filled up
 * here, with blocks that nobody ever frees, until every size is served from a pool of its own that
 * is new: so are its pages to a guest, at half the price, and few of them do. The C library's
 * heap, which has the larger blocks, is treated alike. Whoever frees memory afterwards makes holes
 * again.
 *
 * Arenas. Those that the imports fill lie side by side and become large pages, of which a fork
 * copies one entry, or the small ones' in a batch.
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
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum {
    SMALL_PAGE = 4096,
    LARGE_PAGE = 2 << 20,
    REGION_BYTES = 64 << 20,
    BLOCK_STEP = 16,
    BLOCK_MAX = 512,       /* larger blocks are the C library's */
    POOL_BYTES = 16 << 10, /* as in Objects/obmalloc.c */
    POOL_HEADER_BYTES = 48,
    RUN = 3,
    HOLE_MAX = 1 << 20,
    LISTED_MAX = 1 << 10, /* freed blocks up to this size do not go back to the heap */
    FILLERS_MAX = 1 << 14 /* of one size; there are some thousands */
};

_Static_assert(PY_MAJOR_VERSION == 3 && PY_MINOR_VERSION == 11, "the pools are this version's");

/* ---- holes ----------------------------------------------------------------------------------- */

/* Takes blocks until some come from the start of a pool, in their order: that one was begun for
 * them. They are given back. */
static void fill(size_t size)
{
    char *run[RUN] = {0};
    int n = 0;
    for (int i = 0; i < FILLERS_MAX && n < RUN; i++) {
        char *block = PyObject_Malloc(size);
        if (!block)
            break;
        if (n == 0 || block != run[n - 1] + size)
            n = 0;
        if (n > 0 || (uintptr_t)block % POOL_BYTES == POOL_HEADER_BYTES)
            run[n++] = block;
    }
    while (n)
        PyObject_Free(run[--n]);
}

/* Larger blocks are the C library's, and so are its holes, whose list it even sorts at the first
 * larger request: sixty pages of each guest. They are taken from the largest to the smallest; a
 * block from beyond the old end of its heap says that none of the size is left. Those stay taken
 * as well where freeing them would put them on a list, so that all a guest asks for is new. */
static void fill_heap(void)
{
    const char *end = sbrk(0);
    for (size_t size = HOLE_MAX; size >= BLOCK_STEP;
         size = size > LISTED_MAX ? size / 2 : size - BLOCK_STEP) {
        char *block = malloc(size);
        for (int i = 0; i < FILLERS_MAX && block && block < end; i++)
            block = malloc(size);
        if (size > LISTED_MAX)
            free(block);
    }
}

/* ---- arenas ---------------------------------------------------------------------------------- */

static struct {
    PyObjectArenaAllocator python;
    char *from, *at, *to; /* NULL where there is no such memory */
} region;

static void *take_arena(void *ctx, size_t size)
{
    if ((size_t)(region.to - region.at) < size)
        return region.python.alloc(ctx, size);
    region.at += size;
    return region.at - size;
}

/* `len` bytes at an address that is a multiple of a large page's size, or NULL. */
static char *take_aligned(size_t len)
{
    const size_t span = len + LARGE_PAGE;
    char *all = mmap(NULL, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    const size_t before = -(uintptr_t)all & (LARGE_PAGE - 1);
    if (before)
        munmap(all, before);
    munmap(all + before + len, span - before - len);
    return all + before;
}

void sbx__layout_begin(void)
{
    PyObject_GetArenaAllocator(&region.python);
    PyObjectArenaAllocator beside = region.python;
    beside.alloc = take_arena;
    region.from = region.at = take_aligned(REGION_BYTES);
    region.to = region.from ? region.from + REGION_BYTES : NULL;
    PyObject_SetArenaAllocator(&beside);
}

/* What was not used must go: it would be memory that a guest's limit does not count. */
static void end_region(void)
{
    PyObject_SetArenaAllocator(&region.python);
    if (region.at < region.to)
        munmap(region.at, (size_t)(region.to - region.at));
    const size_t whole = (size_t)(region.at - region.from) & -(size_t)LARGE_PAGE;
    if (whole)
        (void)madvise(region.from, whole, MADV_COLLAPSE);
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

static void move_code(void)
{
    struct constant c = {.inside = (uintptr_t)Py_IncRef};
    if (!dl_iterate_phdr(find_constant, &c))
        return;
    const uintptr_t from = (c.from + LARGE_PAGE - 1) & -(uintptr_t)LARGE_PAGE;
    const uintptr_t to = c.to & -(uintptr_t)LARGE_PAGE;
    char *copy = from < to ? take_aligned(to - from) : NULL;
    if (!copy)
        return;
    memcpy(copy, (const void *)from, to - from);
    if (madvise(copy, to - from, MADV_COLLAPSE) != 0 ||
        mprotect(copy, to - from, PROT_READ | PROT_EXEC) != 0) {
        munmap(copy, to - from);
        return;
    }
    /* Where the interpreter is part of this program, so is this function: it goes on in the copy,
     * which is the same. The C library's mremap does not lie in it. */
    CHECK(mremap(copy, to - from, to - from, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)from) ==
          (void *)from);
}

/* A guest takes a list, tuple or dict from what Python keeps of those given up, each on a page of its
 * own; with nothing kept it comes from a new pool. And whatever is tracked moves beyond the reach of
 * a guest's collector, which would write to it. The second collection has nothing left to look at: it
 * gives up what the call before has left. */
static void settle_objects(void)
{
    PyGC_Collect();
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *done = gc ? PyObject_CallMethod(gc, "freeze", NULL) : NULL;
    CHECK(done != NULL);
    Py_DECREF(done);
    Py_DECREF(gc);
    PyGC_Collect();
}

void sbx__layout_end(void)
{
    settle_objects();
    for (size_t size = BLOCK_STEP; size <= BLOCK_MAX; size += BLOCK_STEP)
        fill(size);
    fill_heap();
    move_code();
    end_region();
}
