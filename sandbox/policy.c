/* policy.c: from the table of policy_table.c to BPF in memory, once per role and process.
 *
 * libseccomp knows the numbers, the 64-bit comparisons and the other architectures (whose calls,
 * x32 included, kill), but it allocates and takes a millisecond. So the keeper compiles before
 * it forks, and the child only patches its process id into the program and hands it to the
 * kernel. The kernel translates a program when it is installed and then tries it with every call
 * number, at a cost that grows with its length: hence the two parts of a guest's policy. */
#include "sandbox/policy.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"

static uint32_t action_of(enum sbx_verdict verdict)
{
    switch (verdict) {
    case SBX_ALLOW:
        return SCMP_ACT_ALLOW;
    case SBX_EPERM:
        return SCMP_ACT_ERRNO(EPERM);
    case SBX_EACCES:
        return SCMP_ACT_ERRNO(EACCES);
    case SBX_EAGAIN:
        return SCMP_ACT_ERRNO(EAGAIN);
    case SBX_ENOSYS:
        return SCMP_ACT_ERRNO(ENOSYS);
    case SBX_EROFS:
        return SCMP_ACT_ERRNO(EROFS);
    case SBX_PRETEND:
        return SCMP_ACT_ERRNO(0);
    }
    return SCMP_ACT_KILL_PROCESS;
}

/* Whether the keeper is excused from a row of the guests. */
static bool keeper_may(const struct sbx_row *row)
{
    for (size_t i = 0; i < sbx_rows_count; i++) {
        const struct sbx_row *k = &sbx_rows[i];
        if ((k->roles & SBX_ROLE_KEEPER) && k->call == row->call &&
            k->condition == row->condition && k->argument == row->argument &&
            k->mask == row->mask && k->value == row->value)
            return true;
    }
    return false;
}

static int add_row(scmp_filter_ctx ctx, const struct sbx_row *row, enum sbx_verdict verdict)
{
    static const enum scmp_compare compare[] = {
        [SBX_EQ] = SCMP_CMP_EQ, [SBX_NE] = SCMP_CMP_NE, [SBX_MASK] = SCMP_CMP_MASKED_EQ};
    if (row->call < 0)
        return 0; /* this architecture has no such call */
    if (row->condition == SBX_ANY)
        return seccomp_rule_add(ctx, action_of(verdict), row->call, 0);
    struct scmp_arg_cmp cmp = {.arg = row->argument, .op = compare[row->condition]};
    cmp.datum_a = row->condition == SBX_MASK ? row->mask : row->value;
    cmp.datum_b = row->value;
    return seccomp_rule_add_array(ctx, action_of(verdict), row->call, 1, &cmp);
}

static int add_role(scmp_filter_ctx ctx, enum sbx_role role, enum sbx_part part, struct err *err)
{
    for (size_t i = 0; i < sbx_rows_count; i++) {
        const struct sbx_row *row = &sbx_rows[i];
        const bool excused = part != SBX_WHOLE && keeper_may(row);
        if (!(row->roles & role) || (part == SBX_FINAL && (!excused || row->verdict == SBX_ALLOW)))
            continue;
        int rc = add_row(ctx, row, part == SBX_INHERITED && excused ? SBX_ALLOW : row->verdict);
        if (rc < 0)
            return err_set(err, rc, "seccomp: row %zu (call %d): %s", i, row->call, strerror(-rc));
    }
    return 0;
}

/* libseccomp writes the program to a descriptor: a memfd, read back into memory that children
 * inherit. */
static int export_code(scmp_filter_ctx ctx, struct sbx_filter *ret_filter)
{
    struct stat st;
    int fd = memfd_create("policy", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = seccomp_export_bpf(ctx, fd);
    if (rc == 0 && fstat(fd, &st) != 0)
        rc = -errno;
    if (rc == 0) {
        struct sock_filter *code = xcalloc(1, (size_t)st.st_size);
        if (pread(fd, code, (size_t)st.st_size, 0) == st.st_size) {
            *ret_filter =
                (struct sbx_filter){code, (unsigned short)((size_t)st.st_size / sizeof *code)};
        } else {
            free(code);
            rc = -EIO;
        }
    }
    close(fd);
    return rc;
}

int sbx_filter_compile(enum sbx_role role, enum sbx_part part, struct sbx_filter *ret_filter,
                       struct err *err)
{
    scmp_filter_ctx ctx = seccomp_init(part == SBX_FINAL ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS);
    if (!ctx)
        return err_set(err, -ENOMEM, "seccomp: libseccomp does not start");
    int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0)
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc < 0)
        err_set(err, rc, "seccomp: libseccomp: %s", strerror(-rc));
    if (rc == 0)
        rc = add_role(ctx, role, part, err);
    if (rc == 0 && (rc = export_code(ctx, ret_filter)) < 0)
        err_set(err, rc, "seccomp: cannot export the filter: %s", strerror(-rc));
    seccomp_release(ctx);
    return rc;
}

void sbx_filter_free(struct sbx_filter *filter)
{
    free(filter->code);
    *filter = (struct sbx_filter){0};
}

void sbx_filter_name(struct sbx_filter *filter, pid_t own)
{
    for (unsigned i = 0; i < filter->count; i++)
        if (BPF_CLASS(filter->code[i].code) == BPF_JMP && filter->code[i].k == SBX_OWN_PID)
            filter->code[i].k = (uint32_t)own;
}

int sbx_filter_install(struct sbx_filter *filter)
{
    sbx_filter_name(filter, getpid());
    struct sock_fprog program = {.len = filter->count, .filter = filter->code};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        return -errno;
    return 0;
}
