/* limits.c: resource limits of a guest, one row each. Soft equals hard, so nothing can be raised
 * again. */
#include <string.h>
#include <sys/resource.h>

#include "base/check.h"
#include "sandbox/confine.h"

enum {
    LIMITS_MAX = 13, /* rows below */
    STACK_MIB = 64,
    DESCRIPTORS_MAX = 64,
    DESCRIPTORS_MIN = 64, /* of the keeper itself */
    PENDING_SIGNALS_MAX = 64,
    THREADS_UNCOUNTED_MAX = 4096
};

/* Far above any honest use; bounds the page tables that touching a vast read-only mapping would
 * cost. */
static const uint64_t address_space_bytes = 16ull << 30;

/* Where this process may not have as much itself, its own limit stays. */
static int cap(int resource, uint64_t value)
{
    struct rlimit limit = {value, value};
    if (setrlimit(resource, &limit) == 0)
        return 0;
    if (errno != EPERM || getrlimit(resource, &limit) != 0)
        return -errno;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(resource, &limit) == 0 ? 0 : -errno;
}

/* A back stop: the keeper's clock is finer and comes first. */
rlim_t sbx__cpu_limit(uint64_t cpu_us)
{
    return cpu_us / 1000000 + 2;
}

struct row {
    int resource;
    uint64_t value;
};

static size_t limit_rows(const struct sbx_limits *limits, struct row ret_rows[LIMITS_MAX])
{
    const uint64_t memory = limits->memory_kib << 10;
    const struct row rows[] = {
        {RLIMIT_CORE, 0}, /* no dumps */
        {RLIMIT_CPU, sbx__cpu_limit(limits->cpu_us)},
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
        {RLIMIT_NICE, 0},
        {RLIMIT_RTPRIO, 0},
        /* Counted per user namespace: the keeper, the process that waits for it, and the guest with
         * its threads. Without one, all that this user runs on the host counts, and only a flood
         * can be stopped. */
        {RLIMIT_NPROC, limits->threads ? 2 + limits->threads + 1 : THREADS_UNCOUNTED_MAX},
    };
    _Static_assert(COUNT_OF(rows) == LIMITS_MAX, "every row is counted");
    memcpy(ret_rows, rows, sizeof rows);
    return COUNT_OF(rows);
}

int sbx__limits_apply(const struct sbx_limits *limits)
{
    struct row rows[LIMITS_MAX];
    size_t n = limit_rows(limits, rows);
    for (size_t i = 0; i < n; i++)
        TRY(cap(rows[i].resource, rows[i].value));
    return 0;
}

bool sbx__limits_hold(const struct sbx_limits *limits)
{
    struct row rows[LIMITS_MAX];
    struct rlimit now;
    size_t n = limit_rows(limits, rows);
    for (size_t i = 0; i < n; i++)
        if (getrlimit(rows[i].resource, &now) != 0 || now.rlim_max != now.rlim_cur ||
            now.rlim_max > rows[i].value)
            return false;
    return true;
}

int sbx__limits_restore(struct err *err)
{
    struct rlimit limit;
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        if (getrlimit(resource, &limit) != 0)
            continue;
        limit.rlim_cur = limit.rlim_max;
        if (resource != RLIMIT_STACK && resource != RLIMIT_CORE && setrlimit(resource, &limit) != 0)
            return err_set(err, -errno, "setrlimit: %s", strerror(errno));
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < DESCRIPTORS_MIN)
        return err_set(err, -EMFILE, "this process may open %llu files; raise ulimit -n to %d",
                       (unsigned long long)limit.rlim_max, DESCRIPTORS_MIN);
    return 0;
}
