/* refuse.h: takes features from the calling process and all it will start, as a poorer host would:
 * a seccomp filter answers the calls that ask for them. For tests of degraded modes, where leaving a
 * feature out by ourselves would not show how its refusal is borne. */
#ifndef TESTS_REFUSE_H
#define TESTS_REFUSE_H

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>

static inline int refuse_flag(scmp_filter_ctx ctx, int call, unsigned long flag)
{
    return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), call, 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag));
}

static inline int refuse_call(scmp_filter_ctx ctx, int call, int error)
{
    return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(error), call, 0);
}

/* `what`: words out of userns, namespaces (userns and all others), mount, landlock, seccomp. 0, or a
 * negative errno. */
static inline int refuse(const char *what)
{
    static const unsigned long kinds[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWNET,
                                          CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWPID};
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int rc = ctx ? 0 : -ENOMEM;
    size_t n = strstr(what, "namespaces") ? sizeof kinds / sizeof *kinds
               : strstr(what, "userns")   ? 1
                                          : 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = refuse_flag(ctx, SCMP_SYS(unshare), kinds[i]);
        if (rc == 0)
            rc = refuse_flag(ctx, SCMP_SYS(clone), kinds[i]);
    }
    if (rc == 0 && n)
        rc = refuse_call(ctx, SCMP_SYS(clone3), ENOSYS);
    if (rc == 0 && strstr(what, "mount") && (rc = refuse_call(ctx, SCMP_SYS(mount), EPERM)) == 0 &&
        (rc = refuse_call(ctx, SCMP_SYS(open_tree), EPERM)) == 0)
        rc = refuse_call(ctx, SCMP_SYS(fsopen), EPERM);
    if (rc == 0 && strstr(what, "landlock"))
        rc = refuse_call(ctx, SCMP_SYS(landlock_create_ruleset), EOPNOTSUPP);
    if (rc == 0 && strstr(what, "seccomp"))
        rc = refuse_call(ctx, SCMP_SYS(seccomp), ENOSYS);
    if (rc == 0)
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    return rc;
}

#endif
