/* probe.c: what this host offers, found by trying: each feature is used once, for real, in a
 * short-lived child that gives up root first, because guests never have it. The child's exit
 * status says how it went. */
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "sandbox/cgroup.h"
#include "sandbox/confine.h"

/* 0 or a negative errno; a positive number is a figure for the detail. */
typedef int (*attempt)(int argument);

struct feature {
    const char *name;
    attempt try;
    int argument;
    bool floor;
    const char *figure; /* how the figure is shown, with one %d */
    const char *lost, *remedy;
};

static int try_namespace(int flag)
{
    uint32_t had = 0;
    /* All but the one asked for are left out. */
    const struct {
        int flag;
        uint32_t bit;
    } kinds[] = {{CLONE_NEWPID, SBX_PIDNS},
                 {CLONE_NEWNET, SBX_NETNS},
                 {CLONE_NEWIPC, SBX_IPCNS},
                 {CLONE_NEWNS, SBX_MNTNS},
                 {CLONE_NEWUTS, SBX_UTSNS}};
    uint32_t wanted = SBX_USERNS, all = 0;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        all |= kinds[i].bit;
        if (kinds[i].flag == flag)
            wanted = kinds[i].bit;
    }
    TRY(sbx__enter_namespaces(all & ~wanted, &had, NULL));
    return had & wanted ? 0 : -EPERM;
}

static int try_root(int argument)
{
    uint32_t had = 0;
    (void)argument;
    TRY(sbx__enter_namespaces(SBX_PIDNS | SBX_NETNS | SBX_IPCNS | SBX_UTSNS, &had, NULL));
    if (had & SBX_MNTNS)
        TRY(sbx__enter_root(NULL, &had, NULL));
    return had & SBX_MNTNS ? 0 : -EPERM;
}

static int try_seccomp(int argument)
{
    struct sbx_filter filter;
    (void)argument;
    TRY(sbx__no_new_privs());
    TRY(sbx_filter_compile(SBX_ROLE_GUEST, SBX_WHOLE, &filter, NULL));
    TRY(sbx_filter_install(&filter));
    return socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM ? 0 : -ENOSYS;
}

static int try_no_new_privs(int argument)
{
    (void)argument;
    TRY(sbx__no_new_privs());
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -ENOSYS;
}

/* Before Linux 4.7 this limit did not see private mappings, and memory could not be capped by
 * it. */
static int try_limits(int argument)
{
    struct rlimit limit = {64 << 20, 64 << 20};
    (void)argument;
    if (setrlimit(RLIMIT_DATA, &limit) != 0)
        return -errno;
    void *p = mmap(NULL, 256 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED && errno == ENOMEM ? 0 : -ENOSYS;
}

static int try_landlock(int argument)
{
    int rules;
    (void)argument;
    TRY(sbx__no_new_privs());
    TRY(sbx__landlock_rules(NULL, NULL, &rules, NULL));
    if (rules < 0)
        return -ENOSYS;
    TRY(sbx__landlock_enter(rules));
    if (open("/", O_RDONLY | O_DIRECTORY) >= 0 || errno != EACCES)
        return -ENOSYS;
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static int try_cgroup(int argument)
{
    struct sbx_cgroup group;
    (void)argument;
    sbx_cgroup_host();
    return sbx__cgroup_enter(&group) ? 0 : -ENOENT;
}

static int try_counter(int argument)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
                                   .size = sizeof attr,
                                   .config = PERF_COUNT_HW_INSTRUCTIONS,
                                   .exclude_kernel = 1};
    (void)argument;
    return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) < 0 ? -errno : 0;
}

static int try_processors(int argument)
{
    cpu_set_t allowed;
    (void)argument;
    return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : -errno;
}

static int try_descriptors(int argument)
{
    struct rlimit limit;
    struct err err = {0};
    (void)argument;
    TRY(sbx__limits_restore(&err));
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return -errno;
    return limit.rlim_max > INT_MAX ? INT_MAX : (int)limit.rlim_max;
}

static int try_library(int argument)
{
    struct stat st;
    (void)argument;
    return stat("/usr/lib/python3.11/os.py", &st) == 0 ? 0 : -errno;
}

#define ALLOW_USERNS                                                                               \
    "allow unprivileged user namespaces: sysctl user.max_user_namespaces, "                        \
    "kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0; "         \
    "in a container: a seccomp profile that allows unshare and mount"

static const struct feature features[] = {
    {"seccomp filters", try_seccomp, 0, true, NULL, "nothing else stops a program's system calls",
     "a kernel with CONFIG_SECCOMP_FILTER"},
    {"no_new_privs", try_no_new_privs, 0, true, NULL,
     "filters cannot be installed without privilege", "Linux 3.5 or newer"},
    {"resource limits", try_limits, 0, true, NULL, "memory could not be capped",
     "Linux 4.7 or newer"},
    {"open files", try_descriptors, 0, true, "%d at most", "guests cannot be given their pipes",
     "ulimit -n 1024"},
    {"Python library", try_library, 0, true, NULL, "there is no Python to run",
     "apt-get install libpython3.11-stdlib"},
    {"user namespaces", try_namespace, CLONE_NEWUSER, false, NULL,
     "all namespaces below; threads are counted loosely; Landlock and the filters remain",
     ALLOW_USERNS},
    {"pid namespaces", try_namespace, CLONE_NEWPID, false, NULL,
     "a guest shares the host's process ids; it still can neither fork nor signal",
     "as for user namespaces"},
    {"network namespaces", try_namespace, CLONE_NEWNET, false, NULL,
     "a second wall: the filters refuse every socket anyway", "as for user namespaces"},
    {"ipc namespaces", try_namespace, CLONE_NEWIPC, false, NULL,
     "a second wall: the filters refuse System V IPC anyway", "as for user namespaces"},
    {"uts namespaces", try_namespace, CLONE_NEWUTS, false, NULL, "a guest sees the host's name",
     "as for user namespaces"},
    {"mount namespaces", try_namespace, CLONE_NEWNS, false, NULL, "the private root",
     "as for user namespaces"},
    {"private root", try_root, 0, false, NULL,
     "files are fenced by Landlock alone, with temporary files on the host's disk",
     "Linux 5.12 or newer, with mount namespaces"},
    {"Landlock", try_landlock, 0, false, "version %d",
     "the second wall around files; without a private root too, guests can open no file at all: "
     "temporary files and data files are lost, and the whole library is loaded beforehand",
     "a kernel with CONFIG_SECURITY_LANDLOCK, and landlock in lsm="},
    {"control groups", try_cgroup, 0, false, NULL,
     "a cap on all memory of a slot, the kernel's own included, and on its processes; the limits "
     "above remain",
     "delegate a group: systemd-run --user --scope -p Delegate=yes assay ..."},
    {"instruction counter", try_counter, 0, false, NULL,
     "a clock that does not jitter; CPU time is used",
     "sysctl kernel.perf_event_paranoid=2, and a machine that counts"},
    {"processors", try_processors, 0, false, "%d usable; a slot of the verifier stays on one", NULL,
     NULL},
};
_Static_assert(COUNT_OF(features) <= SBX_PROBES_MAX, "every feature has a line");

/* Runs one attempt in a child, as nobody but for control groups, which are entered before. */
static int attempt_in_child(const struct feature *f)
{
    int result[2], rc = -ENOSYS; /* no result: it was killed, by a filter above us usually */
    if (pipe2(result, O_CLOEXEC) != 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0) {
        rc = f->try == try_cgroup ? 0 : sbx__become_nobody(NULL);
        if (rc == 0)
            rc = f->try(f->argument);
        _exit(write(result[1], &rc, sizeof rc) == sizeof rc ? 0 : 1);
    }
    close(result[1]);
    if (pid < 0 || (read(result[0], &rc, sizeof rc) < 0))
        rc = -errno;
    close(result[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return rc;
}

int sbx_probe(struct sbx_probe out[SBX_PROBES_MAX])
{
    for (size_t i = 0; i < COUNT_OF(features); i++) {
        const struct feature *f = &features[i];
        int rc = attempt_in_child(f);
        out[i] = (struct sbx_probe){.name = f->name, .ok = rc >= 0, .floor = f->floor};
        if (rc < 0) {
            snprintf(out[i].detail, sizeof out[i].detail, "%s", strerror(-rc));
            out[i].lost = f->lost;
            out[i].remedy = f->remedy;
        } else if (f->figure) {
            const char *mark = strstr(f->figure, "%d");
            snprintf(out[i].detail, sizeof out[i].detail, "%.*s%d%s", (int)(mark - f->figure),
                     f->figure, rc, mark + 2);
        } else {
            snprintf(out[i].detail, sizeof out[i].detail, "works");
        }
    }
    return COUNT_OF(features);
}
