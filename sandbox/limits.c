/* limits.c: resource limits of a guest, one row each. Soft equals hard, so nothing can be raised
 * again. */
#include <sys/resource.h>

#include "base/check.h"
#include "sandbox/confine.h"

enum { STACK_MIB = 64, DESCRIPTORS_MAX = 64, PENDING_SIGNALS_MAX = 64 };

/* Far above any honest use; bounds the page tables that touching a vast read-only mapping would
 * cost. */
static const uint64_t address_space_bytes = 16ull << 30;

static int cap(int resource, uint64_t value)
{
    struct rlimit old, limit;
    if (getrlimit(resource, &old) != 0)
        return -errno;
    if (old.rlim_max != RLIM_INFINITY && value > old.rlim_max)
        value = old.rlim_max;
    limit.rlim_cur = limit.rlim_max = value;
    return setrlimit(resource, &limit) == 0 ? 0 : -errno;
}

int sbx__limits_apply(const struct sbx_limits *limits)
{
    const uint64_t memory = limits->memory_kib << 10;
    const struct {
        int resource;
        uint64_t value;
    } rows[] = {
        {RLIMIT_CORE, 0}, /* no dumps */
        {RLIMIT_CPU,
         limits->cpu_us / 1000000 + 2}, /* back stop: the keeper's clock is finer and comes first */
        {RLIMIT_DATA,
         limits->data_base + memory}, /* heap and private mappings, thread stacks included */
        {RLIMIT_AS, limits->data_base + memory + address_space_bytes}, /* reservations only */
        {RLIMIT_STACK,
         (uint64_t)STACK_MIB << 20}, /* deep recursion ends in RecursionError, not in a crash */
        {RLIMIT_FSIZE, limits->file_kib << 10}, /* one file; /tmp itself is capped too */
        {RLIMIT_NOFILE, DESCRIPTORS_MAX},
        {RLIMIT_MEMLOCK, 0},
        {RLIMIT_MSGQUEUE, 0},
        {RLIMIT_SIGPENDING, PENDING_SIGNALS_MAX},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        TRY(cap(rows[i].resource, rows[i].value));
    /* Counted per user namespace: the keeper, the process that waits for it, and the guest with
     * its threads. */
    if (limits->threads)
        TRY(cap(RLIMIT_NPROC, 2 + limits->threads + 1));
    return 0;
}
