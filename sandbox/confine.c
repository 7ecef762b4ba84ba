/* confine.c: the checklists by which each process gives up what it does not need, flat and in
 * order.
 *
 * A guest runs its list between fork and the first hostile byte, alone in a child of the keeper:
 * it must not allocate, and it reports the number of the failed step by its exit status. A
 * helper (judge, linter) runs its list after its own start-up. Nobody goes on below the floor:
 * no_new_privs, resource limits, seccomp. */
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "sandbox/confine.h"

const char *sbx_isolation_name(int bit)
{
    static const char *const names[SBX_ISOLATION_COUNT] = {"userns", "pidns", "netns",    "ipcns",
                                                           "mntns",  "utsns", "landlock", "seccomp",
                                                           "rlimit", "nnp",   "cgroup"};
    return bit >= 0 && bit < SBX_ISOLATION_COUNT ? names[bit] : NULL;
}

int sbx__no_new_privs(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -errno;
}

int sbx__drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}, {0}};
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
        return -errno;
    return syscall(SYS_capset, &head, none) == 0 ? 0 : -errno;
}

int sbx__drop_bounding_set(void)
{
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0 && errno != EPERM)
            return -errno;
    return 0;
}

/* ---- guests ---------------------------------------------------------------------------------- */

/* A session of its own, so that signals to a process group stay inside; and no outliving of the
 * keeper. */
static int leave_session(void)
{
    if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return -errno;
    return 0;
}

static int settle(const char *folder)
{
    umask(077);
    if (chdir(folder) != 0)
        return -errno;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -errno;
}

int sbx__confine_guest(const struct sbx_guest *guest, uint32_t *ret_isolation)
{
    if ((guest->slot & SBX_PIDNS) && getpid() != 1)
        return -1;
    if (leave_session() < 0)
        return -2;
    if (sbx__no_new_privs() < 0)
        return -3;
    if (guest->rules >= 0 && sbx__landlock_enter(guest->rules) < 0)
        return -4;
    if (sbx__fds_arrange(guest->stdio, guest->socket) < 0)
        return -5;
    if (settle(guest->folder) < 0)
        return -6;
    if (sbx__limits_apply(&guest->limits) < 0)
        return -7;
    if (sbx__drop_capabilities() < 0)
        return -8;
    if (sbx_filter_install(guest->filter) < 0)
        return -9;
    *ret_isolation = sbx__inside(guest);
    return *ret_isolation == (guest->slot | SBX_FLOOR) ? 0 : -10;
}

/* ---- helpers --------------------------------------------------------------------------------- */

/* AddressSanitizer's shadow alone is above any cap on data. */
#ifdef __SANITIZE_ADDRESS__
enum { HAS_SHADOW = 1 };
#else
enum { HAS_SHADOW = 0 };
#endif

static int helper_limits(enum sbx_helper which)
{
    const rlim_t data = which == SBX_HELPER_LINT ? 512ul << 20 : 4096ul << 20;
    const struct {
        int resource;
        rlim_t value;
    } rows[] = {
        {RLIMIT_CORE, 0},
        {RLIMIT_DATA, HAS_SHADOW ? RLIM_INFINITY : data},
        {RLIMIT_MEMLOCK, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rlimit limit;
        if (getrlimit(rows[i].resource, &limit) != 0)
            return -errno;
        if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > rows[i].value)
            limit.rlim_max = rows[i].value;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(rows[i].resource, &limit) != 0)
            return -errno;
    }
    return 0;
}

/* Landlock for a helper: the interpreter's folders, nothing to write. */
static int fence_helper(enum sbx_helper which, uint32_t *had, struct err *err)
{
    int rules;
    const char *extra = which == SBX_HELPER_JUDGE ? getenv("ASSAY_PYTHON_PATH") : NULL;
    TRY(sbx__landlock_rules(extra, NULL, &rules, err));
    if (rules < 0)
        return 0;
    int rc = sbx__landlock_enter(rules);
    close(rules);
    if (rc < 0)
        return err_set(err, rc, "landlock: %s", strerror(-rc));
    *had |= SBX_LANDLOCK;
    return 0;
}

int sbx_confine_helper(enum sbx_helper which, uint32_t *ret_isolation, struct err *err)
{
    uint32_t without, had = 0;
    struct sbx_filter filter;
    TRY(sbx__without(&without, err));
    TRY(sbx_filter_compile(which == SBX_HELPER_LINT ? SBX_ROLE_LINT : SBX_ROLE_JUDGE, SBX_WHOLE,
                           &filter, err));
    int rc = sbx__become_nobody(err);
    /* After the change of user, which would take it back: a helper does not outlive its verifier.
     * And a guest of the same user must not look into it through /proc. */
    if (rc == 0 &&
        (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0))
        rc = err_set(err, -errno, "cannot tie its life to the verifier's: %s", strerror(errno));
    if (rc == 0 && ((rc = sbx__drop_capabilities()) < 0 || (rc = sbx__no_new_privs()) < 0))
        err_set(err, rc, "cannot give up privileges: %s", strerror(-rc));
    if (rc == 0 && !(without & SBX_LANDLOCK))
        rc = fence_helper(which, &had, err);
    if (rc == 0 && (rc = helper_limits(which)) < 0)
        err_set(err, rc, "cannot set resource limits: %s", strerror(-rc));
    if (rc == 0 && (rc = sbx_filter_install(&filter)) < 0)
        err_set(err, rc, "cannot install the seccomp filter: %s", strerror(-rc));
    sbx_filter_free(&filter);
    if (rc == 0)
        *ret_isolation = had | SBX_NNP | SBX_RLIMIT | SBX_SECCOMP;
    return rc;
}
