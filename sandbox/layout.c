/* layout.c: lays out the template's memory for the guests that are forked from it.
 *
 * A guest's own work is short: compiling and running a small program takes no longer than its
 * first touch of a hundred pages, each a fault: 2 us where the template's page is to be copied, 1 us
 * where it is new. It was 350 before the holes were filled and the usual imports run beforehand
 * (guest_program.c). And a fork copies an entry for each page, and a guest's end gives it up. What
 * follows makes these fewer.
 *
 * Holes. Python's allocator serves small blocks from pools of one size. After the imports most
 * sizes have a few pools with a few free blocks each, all over the heap, and a guest that needs a
 * thousand blocks copies dozens of the template's pages to get them. So the holes are filled up
 * here, with blocks that nobody ever frees, until every size is served from a pool of its own that
 * is new: so are its pages to a guest, at half the price, and few of them do. The C library's
 * heap, which has the larger blocks, is treated alike. Whoever frees memory afterwards makes holes
 * again.
 *
 * Objects given up. Python keeps lists, tuples and dicts for the next one to be made, wherever they
 * lay. None is left behind, and what the imports made is out of the collector's reach.
 *
 * Arenas. Those that the imports fill lie side by side and become large pages, of which a fork
 * copies one entry, or the small ones' in a batch. So does the C library's heap, which is filled up
 * to the end of a large page.
 *
 * Code and data. A fork leaves the pages of files behind, and the guest finds each cluster of the
 * library's code again by a fault. Anonymous memory is taken along, and where the kernel has large
 * pages two megabytes of it are one entry. The part of the library's code and constants that fills
 * large pages is therefore copied to such memory, which then takes its place; the rest of the last
 * page is taken where nothing else lies there, for which the program is linked (Makefile). Constants
 * in it become executable; a guest may make any memory of its own executable, and gains nothing.
 * The data, which is written to, is moved alike. */
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

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
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
    CHILD_BYTES = 12 * SMALL_PAGE, /* a small program is compiled in as much */
    LISTED_MAX = 1 << 10,          /* freed blocks up to this size do not go back to the heap */
    FILLERS_MAX = 1 << 14          /* of one size; there are some thousands */
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

/* ---- the C library's heap -------------------------------------------------------------------- */

static char *heap;  /* from where on it fills large pages */
static char *fresh; /* where what a guest asks for begins */

static void begin_heap(void)
{
    char *end = sbrk(0);
    const size_t skipped = -(uintptr_t)end & (LARGE_PAGE - 1);
    heap = sbrk((intptr_t)skipped) == end ? end + skipped : NULL;
}

/* Goes on to the end of a large page, so that what guests ask for is beyond it: new memory costs them
 * less than a copy. */
static void end_heap(void)
{
    const char *end = sbrk(0), *block = NULL;
    if (!heap || end <= heap)
        return;
    const size_t whole = ((size_t)(end - heap) + LARGE_PAGE - 1) & -(size_t)LARGE_PAGE;
    for (int i = 0; i < FILLERS_MAX && block < heap + whole; i++)
        block = check_alloc(malloc(POOL_BYTES));
    (void)madvise(heap, whole, MADV_COLLAPSE);
    char *room = malloc(CHILD_BYTES);
    fresh = (char *)(((uintptr_t)room + SMALL_PAGE - 1) & -(uintptr_t)SMALL_PAGE);
    free(room);
}

/* What every guest will ask of the C library's heap, in one call of the kernel rather than a fault
 * for each page. */
void sbx__layout_child(void)
{
    if (fresh)
        (void)madvise(fresh, CHILD_BYTES, MADV_POPULATE_WRITE);
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
    begin_heap();
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

/* ---- code and data --------------------------------------------------------------------------- */

/* The interpreter's segments about an address, side by side, of which all or none is written to. */
struct segments {
    uintptr_t inside, from, to;
    bool written;
};

static int find_segments(struct dl_phdr_info *library, size_t size, void *ctx)
{
    struct segments *s = ctx;
    bool found = false;
    (void)size;
    s->from = s->to = 0;
    for (int i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &library->dlpi_phdr[i];
        const uintptr_t from = (library->dlpi_addr + segment->p_vaddr) & -(uintptr_t)SMALL_PAGE;
        const uintptr_t to = library->dlpi_addr + segment->p_vaddr + segment->p_memsz;
        if (segment->p_type != PT_LOAD || ((segment->p_flags & PF_W) != 0) != s->written)
            continue;
        if (from != s->to && found)
            break;
        if (from != s->to)
            s->from = from;
        s->to = (to + SMALL_PAGE - 1) & -(uintptr_t)SMALL_PAGE;
        found = found || (s->inside >= from && s->inside < to);
    }
    return found;
}

/* The end of the last large page that can be had for what ends at `to`: that page's own, where
 * nothing else is mapped in the rest of it, which is then taken. */
static uintptr_t last_end(uintptr_t to)
{
    const uintptr_t end = (to + LARGE_PAGE - 1) & -(uintptr_t)LARGE_PAGE;
    void *rest = (void *)to;
    if (end == to || mmap(rest, end - to, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == rest)
        return end;
    return end - LARGE_PAGE;
}

/* Nothing may be written to what is moved while this runs: errno is not there, nor the stack. */
static void move(struct segments s, int protection)
{
    if (!dl_iterate_phdr(find_segments, &s))
        return;
    const uintptr_t from = (s.from + LARGE_PAGE - 1) & -(uintptr_t)LARGE_PAGE;
    const uintptr_t to = from < s.to ? last_end(s.to) : from;
    char *copy = from < to ? take_aligned(to - from) : NULL;
    if (!copy)
        return;
    memcpy(copy, (const void *)from, (to < s.to ? to : s.to) - from);
    if (madvise(copy, to - from, MADV_COLLAPSE) != 0 ||
        mprotect(copy, to - from, protection) != 0) {
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
    move((struct segments){.inside = (uintptr_t)Py_IncRef}, PROT_READ | PROT_EXEC);
    move((struct segments){.inside = (uintptr_t)&PyType_Type, .written = true},
         PROT_READ | PROT_WRITE);
    end_region();
    end_heap();
}
