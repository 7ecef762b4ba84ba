#include "trainer/kernels/pages.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"

enum { KEPT_MAX = 64, HUGE_BYTES = 2 << 20 };

struct block {
    void *at;
    size_t bytes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block kept[KEPT_MAX];
static int n_kept;

/* Sizes are whole huge pages and have four bits at most, so that near sizes serve each other. What is not
 * touched of a block takes no memory. */
static size_t rounded(size_t bytes)
{
    size_t step = HUGE_BYTES;
    while (bytes / step >= 16)
        step *= 2;
    return (bytes + step - 1) / step * step;
}

/* Takes a kept block out: the smallest that is large enough, or else the largest, to be unmapped: what is
 * asked for has outgrown it. */
static struct block out_of_kept(size_t bytes)
{
    int best = -1;
    for (int i = 0; i < n_kept; i++) {
        bool fits = kept[i].bytes >= bytes, best_fits = best >= 0 && kept[best].bytes >= bytes;
        if (best < 0 || (fits && !best_fits) ||
            (fits == best_fits && fits == (kept[i].bytes < kept[best].bytes)))
            best = i;
    }
    if (best < 0)
        return (struct block){0};
    struct block b = kept[best];
    kept[best] = kept[--n_kept];
    return b;
}

void *pages_take(size_t bytes)
{
    const size_t size = rounded(bytes);
    pthread_mutex_lock(&lock);
    struct block b = out_of_kept(size);
    pthread_mutex_unlock(&lock);
    if (b.at && b.bytes >= size) {
        if (b.bytes > size)
            munmap((char *)b.at + size, b.bytes - size);
        return b.at;
    }
    if (b.at)
        munmap(b.at, b.bytes);
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    check_alloc(at == MAP_FAILED ? NULL : at);
    madvise(at, size, MADV_HUGEPAGE); /* only a hint */
    return at;
}

void pages_give(void *block, size_t bytes)
{
    struct block b = {block, rounded(bytes)};
    if (!block)
        return;
    pthread_mutex_lock(&lock);
    if (n_kept < KEPT_MAX) {
        kept[n_kept++] = b;
        b.at = NULL;
    }
    pthread_mutex_unlock(&lock);
    if (b.at)
        munmap(b.at, b.bytes);
}

float *pages_zeroed(size_t n)
{
    const size_t align = n * sizeof(float) < HUGE_BYTES ? 64 : HUGE_BYTES,
                 bytes = (n * sizeof(float) + align - 1) / align * align;
    float *at = aligned_alloc(align, bytes ? bytes : align);
    if (!at)
        return NULL;
    if (align == HUGE_BYTES)
        madvise(at, bytes, MADV_HUGEPAGE); /* only a hint */
    memset(at, 0, bytes);
    return at;
}
