/* sandbox.h: what the sandbox room offers to programs that confine themselves (keeper, judge, lint)
 * and to `assay doctor`. No JSON, no libuv here. */
#ifndef ASSAY_SANDBOX_H
#define ASSAY_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* What a process really has. The floor is NNP + SECCOMP + RLIMIT; the rest depends on the host. */
enum sbx_isolation {
    SBX_USERNS = 1 << 0,
    SBX_PIDNS = 1 << 1,
    SBX_NETNS = 1 << 2,
    SBX_IPCNS = 1 << 3,
    SBX_MNTNS = 1 << 4,
    SBX_UTSNS = 1 << 5,
    SBX_LANDLOCK = 1 << 6,
    SBX_SECCOMP = 1 << 7,
    SBX_RLIMIT = 1 << 8,
    SBX_NNP = 1 << 9,
    SBX_CGROUP = 1 << 10, /* memory or number of processes capped by a control group */
};
enum { SBX_ISOLATION_COUNT = 11, SBX_FLOOR = SBX_SECCOMP | SBX_RLIMIT | SBX_NNP };

/* "userns", "pidns", ... for bit number `bit` (0 .. SBX_ISOLATION_COUNT-1), else NULL. */
const char *sbx_isolation_name(int bit);

/* One line of `assay doctor`. */
struct sbx_probe {
    const char *name;   /* "user namespaces" */
    bool ok, floor;     /* floor: assay refuses to run without it */
    char detail[160];   /* what was found */
    const char *lost;   /* what it is for, and what is lost without it; NULL when ok */
    const char *remedy; /* how to get it, NULL when ok */
};
enum { SBX_PROBES_MAX = 24 };

/* Fills up to SBX_PROBES_MAX lines by trying each feature in a short-lived child. Returns the count. */
int sbx_probe(struct sbx_probe out[SBX_PROBES_MAX]);

/* Before any helper is started: makes room for the slots' control groups where one was delegated to
 * this process. Nothing happens where none was. */
void sbx_cgroup_host(void);

/* Confines the calling helper for good, strictest policy first:
 *   SBX_HELPER_LINT  read, write, anonymous memory, exit, nothing else
 *   SBX_HELPER_JUDGE what trusted CPython needs: files below the interpreter's library read-only, no exec, no
 *                    fork, no sockets made, recvmsg on the ones it has
 * Returns 0, or a negative errno when even the floor could not be had; *ret_isolation is what was had. */
enum sbx_helper { SBX_HELPER_LINT, SBX_HELPER_JUDGE };
int sbx_confine_helper(enum sbx_helper which, uint32_t *ret_isolation, struct err *err);

/* Environment switches for tests of degraded hosts: ASSAY_SANDBOX_WITHOUT=userns,landlock,... */

#endif
