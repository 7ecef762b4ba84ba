/* counter.h: retired instructions of a keeper's guests, where the kernel counts them. */
#ifndef ASSAY_SANDBOX_COUNTER_H
#define ASSAY_SANDBOX_COUNTER_H

#include <stdint.h>

/* What perf_event_open(2) is asked for: PERF_TYPE_* and PERF_COUNT_*. */
struct sbx_counted {
    uint32_t type;
    uint64_t config;
};

struct sbx_counter {
    int all, own; /* of the opening process with all that it forks, and without; -1: not counted */
};

/* Retired instructions in user mode. */
extern const struct sbx_counted sbx_instructions;

/* Counts for the calling process from now on, and for those that it will fork. Before the filter:
 * the calls for it are refused later. 0, or a negative errno with *ret closed. */
int sbx__counter_open(const struct sbx_counted *what, struct sbx_counter *ret);
void sbx__counter_close(struct sbx_counter *counter);

/* What the forked processes have used so far, those that are gone included; never falls by more
 * than what the caller itself uses between its two reads. 0 where nothing is counted. */
uint64_t sbx__counter_children(const struct sbx_counter *counter);

#endif
