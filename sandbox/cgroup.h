/* cgroup.h: a control group for a slot, where somebody has delegated one. Never required. */
#ifndef ASSAY_SANDBOX_CGROUP_H
#define ASSAY_SANDBOX_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

struct sbx_cgroup {
    int memory, processes; /* files of the caps, open for writing; -1 where there is no such cap */
    uint64_t memory_now, processes_now;
};

/* Puts the calling process, and so all it will fork, into a group of its own below the delegated
 * one. False where nothing is delegated. Before root is given up: the files belong to the starter. */
bool sbx__cgroup_enter(struct sbx_cgroup *group);

/* Both caps are of the whole slot; written only when they differ from the last. 0 or a negative
 * errno. */
int sbx__cgroup_limit(struct sbx_cgroup *group, uint64_t memory, uint64_t processes);

#endif
