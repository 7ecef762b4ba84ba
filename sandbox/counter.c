/* counter.c: retired instructions of a keeper's guests, where the kernel counts them.
 *
 * A guest cannot be asked for a counter of its own: it is not dumpable, so nobody may watch it,
 * and what it opened itself it could stop. So the keeper opens two counters on itself before any
 * guest lives, one that every process it forks inherits, threads of theirs included, and one that
 * none does. The first less the second is what the guests have used. Both are started and read by
 * the keeper alone; a guest owns neither, and prctl(PR_TASK_PERF_EVENTS_DISABLE) stops only what
 * one owns. Kernel mode is left out: without privileges it may not be counted. */
#include "sandbox/counter.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

const struct sbx_counted sbx_instructions = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS};

static int open_one(const struct sbx_counted *what, bool inherit)
{
    struct perf_event_attr attr = {
        .type = what->type,
        .size = sizeof attr,
        .config = what->config,
        .inherit = inherit,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

int sbx__counter_open(const struct sbx_counted *what, struct sbx_counter *ret)
{
    *ret = (struct sbx_counter){open_one(what, true), -1};
    if (ret->all < 0) {
        int rc = ret->all;
        ret->all = -1;
        return rc;
    }
    ret->own = open_one(what, false);
    if (ret->own >= 0)
        return 0;
    int rc = ret->own;
    ret->own = -1;
    sbx__counter_close(ret);
    return rc;
}

void sbx__counter_close(struct sbx_counter *counter)
{
    if (counter->all >= 0)
        close(counter->all);
    if (counter->own >= 0)
        close(counter->own);
    *counter = (struct sbx_counter){-1, -1};
}

uint64_t sbx__counter_children(const struct sbx_counter *counter)
{
    uint64_t all, own;
    if (counter->all < 0 || read(counter->own, &own, sizeof own) != sizeof own ||
        read(counter->all, &all, sizeof all) != sizeof all || all < own)
        return 0;
    return all - own;
}
