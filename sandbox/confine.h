/* confine.h: the pieces of a jail, within the sandbox room. A *slot* is what a keeper builds
 * once (user, namespaces, root, Landlock); a *guest* adds, after its fork, what must be its own
 * (session, descriptors, limits, capabilities, seccomp). Every function takes away privilege and
 * none gives it back. */
#ifndef ASSAY_SANDBOX_CONFINE_H
#define ASSAY_SANDBOX_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

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

/* A fresh tmpfs on /tmp. */
int sbx__mount_tmp(void);

/* Rules by which Landlock restricts file access to the same folders: reading them, and writing
 * the folder `tmp` unless it is NULL. Also no TCP, no signals and no abstract sockets to the
 * outside where the kernel knows these. *ret_fd is -1 where it knows nothing of Landlock. */
int sbx__landlock_rules(const char *extra, const char *tmp, int *ret_fd, struct err *err);

/* Puts the calling process under them for good; no_new_privs must be set. */
int sbx__landlock_enter(int fd);

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

/* The kernel's limit of processor time, in seconds, that goes with the keeper's of `cpu_us`. */
rlim_t sbx__cpu_limit(uint64_t cpu_us);

/* Whether the kernel says that all of them hold. */
bool sbx__limits_hold(const struct sbx_limits *limits);

/* Raises what the starter's limits allow to be raised; an error when they leave too little. */
int sbx__limits_restore(struct err *err);

/* Puts source[0..2] on 0, 1, 2 and `socket` on 3, closes all above. Sources may overlap the
 * targets; -1 is /dev/null, opened anew: a description shared with others would carry its flags
 * and locks from one guest to the next. */
int sbx__fds_arrange(const int source[3], int socket);

int sbx__no_new_privs(void);
int sbx__drop_capabilities(void); /* this process's own sets */
int sbx__drop_bounding_set(void); /* what any later exec could ever regain */

/* The name of the host in a uts namespace of ours. */
#define SBX_HOST_NAME "assay"

/* All that a fresh child does before it touches hostile text, in order. 0, or the negative
 * number of the step that failed; the last one is that sbx__inside finds less than it should. */
struct sbx_guest {
    int stdio[3]; /* -1: /dev/null */
    int socket;
    uint32_t slot;      /* isolation that the slot already has */
    dev_t host_root;    /* device of the root folder outside */
    const char *folder; /* where it starts, and may write if anywhere */
    int rules;          /* Landlock's, or -1 */
    struct sbx_limits limits;
    struct sbx_filter *filter; /* the final part; the keeper's is inherited */
};
int sbx__confine_guest(const struct sbx_guest *guest, uint32_t *ret_isolation);

/* inside.c: what the calling process has of all this, as far as it can find out itself. */
uint32_t sbx__inside(const struct sbx_guest *guest);

#endif
