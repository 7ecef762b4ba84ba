/* confine.h: the pieces of a jail, within the sandbox room. A *slot* is what a keeper builds
 * once (user, namespaces, root, Landlock); a *guest* adds, after its fork, what must be its own
 * (session, descriptors, limits, capabilities, seccomp). Every function takes away privilege and
 * none gives it back. */
#ifndef ASSAY_SANDBOX_CONFINE_H
#define ASSAY_SANDBOX_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox.h"
#include "sandbox/policy.h"

enum { SBX_NOBODY = 65534, SBX_TMP_MIB = 64, SBX_TMP_INODES = 2048, SBX_PATHS_MAX = 8 };

/* The features that ASSAY_SANDBOX_WITHOUT turns off, as isolation bits. -EINVAL names an unknown
 * word. */
int sbx__without(uint32_t *ret_bits, struct err *err);

/* Gives up root, if this process has it: user and group become nobody, no supplementary groups. */
int sbx__become_nobody(struct err *err);

/* Enters new user, mount, net, ipc and uts namespaces, and a pid namespace for the children to
 * come; bits in `without` are not tried and a refused one is left out. Adds what was had to
 * *isolation. Fails only when half-way in (maps refused). */
int sbx__enter_namespaces(uint32_t without, uint32_t *isolation, struct err *err);

/* Replaces the root of a private mount namespace by a read-only one that holds what CPython
 * needs and a private /tmp. `extra`: a colon-separated list of more folders, read-only, or NULL.
 * Takes SBX_MNTNS out of *isolation when refused. */
int sbx__enter_root(const char *extra, uint32_t *isolation, struct err *err);

/* Restricts file access by Landlock to the same folders: reading them, and writing /tmp when
 * `writes`. Also no TCP, no signals and no abstract sockets to the outside where the kernel
 * knows these. no_new_privs must be set. Adds SBX_LANDLOCK when had. */
int sbx__landlock(const char *extra, bool writes, uint32_t *isolation, struct err *err);

/* The folders both of them admit. */
struct sbx_path {
    const char *path;
    bool required, write, device;
    const char *reason;
};
extern const struct sbx_path sbx__paths[];
extern const unsigned sbx__paths_count;

struct sbx_limits {
    uint64_t cpu_us, memory_kib, file_kib;
    uint64_t data_base; /* bytes of data that the template had before the fork */
    unsigned threads;   /* 0: processes and threads cannot be counted here */
};

int sbx__limits_apply(const struct sbx_limits *limits);

/* Puts source[0..2] on 0, 1, 2 and `socket` on 3, closes all above. Sources may overlap the
 * targets. */
int sbx__fds_arrange(const int source[3], int socket);

int sbx__no_new_privs(void);
int sbx__drop_capabilities(void); /* this process's own sets */
int sbx__drop_bounding_set(void); /* what any later exec could ever regain */

/* All that a fresh child does before it touches hostile text, in order. 0, or the negative
 * number of the step that failed. */
struct sbx_guest {
    const int *stdio;
    int socket;
    uint32_t slot; /* isolation that the slot already has */
    struct sbx_limits limits;
    struct sbx_filter *filter;
};
int sbx__confine_guest(const struct sbx_guest *guest, uint32_t *ret_isolation);

#endif
