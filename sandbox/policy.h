/* policy.h: which system calls each jailed role may make. The table is in policy_table.c, one
 * reason a row. */
#ifndef ASSAY_SANDBOX_POLICY_H
#define ASSAY_SANDBOX_POLICY_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum sbx_role {
    SBX_ROLE_GUEST = 1 << 0,        /* the model's program, in a private root of its own */
    SBX_ROLE_GUEST_FOLDER = 1 << 1, /* the same on the host's root, kept to its folders by Landlock,
                                       which knows nothing of modes and times */
    SBX_ROLE_GUEST_BARE = 1 << 2,   /* the same with neither: it may open no file at all */
    SBX_ROLE_JUDGE = 1 << 3,        /* trusted CPython that runs tests */
    SBX_ROLE_LINT = 1 << 4,         /* parsers fed with hostile text */
    SBX_ROLE_KEEPER = 1 << 5,       /* excuses the keeper from a guests' row; no role of its own */
};

/* What a row does when its condition holds. */
enum sbx_verdict {
    SBX_ALLOW,
    SBX_EPERM,
    SBX_EACCES,
    SBX_EAGAIN,
    SBX_ENOSYS,
    SBX_EROFS,
    SBX_PRETEND /* says that it was done */
};

/* Conditions on one argument. ANY is unconditional. MASK: (argument & mask) == value. */
enum sbx_condition { SBX_ANY, SBX_EQ, SBX_NE, SBX_MASK };

/* Stands for "my own process id" in a condition; the child patches it after the fork. */
enum { SBX_OWN_PID = 0x5a5a0001 };

struct sbx_row {
    int call; /* SCMP_SYS number */
    uint32_t roles;
    enum sbx_verdict verdict;
    enum sbx_condition condition;
    unsigned argument;
    uint64_t mask, value;
    const char *reason;
};

extern const struct sbx_row sbx_rows[];
extern const size_t sbx_rows_count;

/* A compiled policy: plain BPF that any later child can install without libseccomp and without
 * allocating. */
struct sbx_filter {
    struct sock_filter *code;
    unsigned short count;
};

/* A guest's policy comes in two parts, each guest paying for the second alone: what the keeper
 * installs once, and what takes the keeper's own calls from the guest. */
enum sbx_part {
    SBX_WHOLE,     /* the role's rows; what no row names kills the process */
    SBX_INHERITED, /* the same, but for what the keeper's rows allow */
    SBX_FINAL,     /* refuses what these allowed; the rest passes */
};
int sbx_filter_compile(enum sbx_role role, enum sbx_part part, struct sbx_filter *ret_filter,
                       struct err *err);
void sbx_filter_free(struct sbx_filter *filter);

/* Puts the id of who will install the filter in the place of SBX_OWN_PID, where it still stands. */
void sbx_filter_name(struct sbx_filter *filter, pid_t own);

/* Names the filter after the calling thread's process if it has no name, and installs it in that
 * thread for good (no_new_privs must be set). 0 or a negative errno. */
int sbx_filter_install(struct sbx_filter *filter);

#endif
