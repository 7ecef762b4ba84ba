/* policy.h: which system calls each jailed role may make. The table is in policy_table.c, one
 * reason a row. */
#ifndef ASSAY_SANDBOX_POLICY_H
#define ASSAY_SANDBOX_POLICY_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum sbx_role {
    SBX_ROLE_GUEST = 1 << 0, /* the model's program, in a private root of its own */
    SBX_ROLE_GUEST_RO =
        1 << 1,              /* the same on a host without mount namespaces: it may write no file */
    SBX_ROLE_JUDGE = 1 << 2, /* trusted CPython that runs tests */
    SBX_ROLE_LINT = 1 << 3,  /* parsers fed with hostile text */
};

/* What a row does when its condition holds. */
enum sbx_verdict { SBX_ALLOW, SBX_EPERM, SBX_EAGAIN, SBX_ENOSYS, SBX_EROFS };

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

/* Compiles the rows of one role; what no row names kills the process. */
int sbx_filter_compile(enum sbx_role role, struct sbx_filter *ret_filter, struct err *err);
void sbx_filter_free(struct sbx_filter *filter);

/* Installs the filter in the calling thread for good (no_new_privs must be set). Patches
 * SBX_OWN_PID in place first. 0 or a negative errno. */
int sbx_filter_install(struct sbx_filter *filter);

#endif
