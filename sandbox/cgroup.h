/* cgroup.h: a control group for a slot, where somebody has delegated one. Never required. */
#ifndef ASSAY_SANDBOX_CGROUP_H
#define ASSAY_SANDBOX_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

struct sbx_cgroup {
    int memory, processes; /* files of the caps, open for writing; -1 where there is no such cap */
    uint64_t memory_now, processes_now;
    bool unified;     /* version 2 */
    int kills, meets; /* files that count processes killed for want of memory, and how often the cap
                         was met; one file in version 2; -1 where there is no cap */
    uint64_t kills_then, meets_then; /* before the guest */
};

/* Why the kernel killed a process of the group, if it did so for want of memory. */
enum sbx_oom {
    SBX_OOM_NONE,
    SBX_OOM_CAP, /* the group was at its own cap */
    SBX_OOM_HOST /* memory was short elsewhere, of the host or of a group above */
};

/* Puts the calling process, and so all it will fork, into a group of its own below the delegated
 * one. False where nothing is delegated. Before root is given up: the files belong to the starter. */
bool sbx__cgroup_enter(struct sbx_cgroup *group);

/* Both caps are of the whole slot; written only when they differ from the last. 0 or a negative
 * errno. */
int sbx__cgroup_limit(struct sbx_cgroup *group, uint64_t memory, uint64_t processes);

/* What the kernel did since the mark. */
void sbx__cgroup_mark(struct sbx_cgroup *group);
enum sbx_oom sbx__cgroup_oom(const struct sbx_cgroup *group);

#endif
