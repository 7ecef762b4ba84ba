/* keeper.c: the trusted process that holds a warm CPython and forks one guest at a time from it.
 *
 * Who: nobody, in namespaces made without privilege; the first process of the slot's pid
 * namespace where the host grants one, so that its death takes every guest along. The process
 * that was spawned only waits for it then and passes its end on.
 *
 * Descriptors: the judge on one seqpacket socket (fixed structs of wire.h, descriptors by
 * SCM_RIGHTS); a guest by its pidfd.
 *
 * Calls: it runs under the larger part of its guests' filter, which they inherit; what it may do
 * beyond them are the KEEPER rows of policy_table.c. A new call below needs a row there.
 *
 * Secrets: none. The program's text goes from the judge to the guest and never through here, so
 * nothing of one guest is in the memory that the next one inherits; tests are in neither; the
 * environment is wiped.
 *
 * Life of a guest: FORK arrives; pipes, a socket pair and a folder for its files; unshare a pid
 * namespace, fork, step back; FORKED with the judge's ends. Then the loop wakes for the judge, for
 * the guest's end, and when a limit could be reached. Time is read from outside: the wall from the
 * fork on, processor time from the kernel's clock of the guest. Whoever ends it, it is reaped with
 * its rusage and reported once; then its files go. */
#include "sandbox/guest.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "sandbox/cgroup.h"
#include "sandbox/counter.h"
#include "sandbox/interpreter.h"
#include "sandbox/keeper.h"
#include "sandbox/layout.h"
#include "sandbox/tmp.h"

enum {
    TICK_NS_MIN = NS_PER_MS / 2,
    DISK_TICK_NS = 20 * NS_PER_MS,
    SLOT_PROCESSES = 8, /* the keeper, its parent, the guest, and some that are not gone yet */
    /* On the host's disk a deleted file that is still open shows nowhere. */
    FOLDER_FILE_KIB_MAX = 8 << 10,
};

/* Either of these keeps a guest to its own files. */
enum { SBX_FENCES = SBX_MNTNS | SBX_LANDLOCK };

struct life {
    pid_t pid; /* 0: no guest lives */
    int pidfd;
    uint32_t seq;
    clockid_t clock;
    int64_t born_ns, wall_ns_max, cpu_ns_max;
    rlim_t cpu_limit; /* the kernel's own, in seconds, as the guest got it */
    bool dying;
    enum keeper_cause cause;
};

struct keeper {
    struct interpreter_options options;
    uint32_t without;
    int judge, own_pids, statm;
    uint32_t isolation;
    dev_t host_root;
    bool may_write; /* `tmp` is there */
    struct sbx_tmp tmp;
    struct sbx_cgroup group;
    int rules; /* Landlock's, or -1 */
    int processors;
    uint32_t kept_on; /* 1 + the core that the judge asked for; 0: none so far */
    int core;         /* of the last pair of timed guests; -1: there was none, or it is not known */
    struct sbx_counter counter;
    uint64_t data_base;
    rlim_t cpu_limit;                     /* this process's own, which no guest can exceed */
    struct sbx_filter own_filter, filter; /* the second is what a guest adds */
    struct life life;
};

/* ---- messages -------------------------------------------------------------------------------- */

/* -EPIPE when the judge is gone. */
static int send_message(const struct keeper *k, const void *message, size_t n, const int *fds,
                        size_t fd_count)
{
    struct iovec iov = {(void *)(uintptr_t)message, n};
    union {
        char bytes[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd_count) {
        m.msg_control = &control;
        m.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        *c = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS,
                              .cmsg_len = CMSG_LEN(fd_count * sizeof(int))};
        memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
    }
    while (sendmsg(k->judge, &m, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static int send_failed(const struct keeper *k, uint32_t seq, const char *doing, int code)
{
    struct keeper_failed m = {.head = {KEEPER_FAILED, seq}};
    snprintf(m.what, sizeof m.what, "%s: %s", doing, strerror(-code));
    return send_message(k, &m, sizeof m, NULL, 0);
}

/* ---- birth ----------------------------------------------------------------------------------- */

/* Both ends of everything a guest is born with: [0] the guest's, [1] the judge's. */
struct ends {
    int socket[2], stdio[3][2];
};

static void close_side(struct ends *e, int side)
{
    if (e->socket[side] >= 0)
        close(e->socket[side]);
    for (int i = 0; i < 3; i++)
        if (e->stdio[i][side] >= 0)
            close(e->stdio[i][side]);
}

static int make_ends(struct ends *e, bool stdio)
{
    *e = (struct ends){{-1, -1}, {{-1, -1}, {-1, -1}, {-1, -1}}};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, e->socket) != 0)
        return -errno;
    for (int i = 0; i < 3; i++) {
        int pair[2];
        if (!stdio && i != 1)
            continue; /* a function's prints go into one pipe */
        if (pipe2(pair, O_CLOEXEC) != 0)
            return -errno;
        e->stdio[i][0] = pair[i == 0 ? 0 : 1];
        e->stdio[i][1] = pair[i == 0 ? 1 : 0];
    }
    return 0;
}

/* The child's side of the fork. */
static _Noreturn void be_guest(struct keeper *k, const struct keeper_fork *order,
                               const struct ends *e)
{
    uint64_t file_kib = order->file_kib;
    if (!k->tmp.mounted && file_kib > FOLDER_FILE_KIB_MAX)
        file_kib = FOLDER_FILE_KIB_MAX;
    struct sbx_guest confine = {
        .stdio = {e->stdio[0][0], e->stdio[1][0], e->stdio[order->stdio ? 2 : 1][0]},
        .socket = e->socket[0],
        .slot = k->isolation,
        .host_root = k->host_root,
        .folder = k->may_write ? k->tmp.path : "/",
        .rules = k->rules,
        .limits = {.cpu_us = order->cpu_us,
                   .memory_kib = order->memory_kib,
                   .file_kib = file_kib,
                   .data_base = k->data_base,

                   /* Uncountable without a namespace; and 0 would mean no limit. */
                   .threads = !(k->isolation & SBX_USERNS) ? 0
                              : order->threads             ? order->threads
                                                           : 1},
        .filter = &k->filter,
    };
    guest_run(&confine, order->timed != KEEPER_UNTIMED);
}

/* On another core than its judge's, each message between the two would wake a sleeping core, which
 * costs more than the work it is woken for. Guests inherit the core. Where it cannot be had, they
 * run anywhere. */
static void follow_judge(struct keeper *k, uint32_t core)
{
    cpu_set_t one;
    if (core == 0 || core == k->kept_on || core > CPU_SETSIZE)
        return;
    CPU_ZERO(&one);
    CPU_SET(core - 1, &one);
    if (sched_setaffinity(0, sizeof one, &one) == 0)
        k->kept_on = core;
}

/* Forks into a new pid namespace where the slot can make one; the keeper itself steps back into
 * its own. Python is not told here what it is told of other forks: that concerns other threads, of
 * which there are none, and hooks, of which this process needs none; and what it would write down
 * is pages that the guest still shares, to be copied for each. */
static int fork_guest(struct keeper *k, const struct keeper_fork *order, const struct ends *e)
{
    const bool alone = (k->isolation & SBX_PIDNS) != 0;
    int rc = alone && unshare(CLONE_NEWPID) != 0 ? -errno : 0;
    pid_t pid = rc < 0 ? -1 : fork();
    if (pid == 0)
        be_guest(k, order, e);
    if (rc == 0 && pid < 0)
        rc = -errno;
    if (alone && setns(k->own_pids, CLONE_NEWPID) != 0 && rc == 0)
        rc = -errno;
    k->life.pid = pid > 0 ? pid : 0;
    return rc;
}

/* The second guest of a pair stays where the first ran, so that caches and the core's own speed are
 * the same for both. Which core does not matter: the next pair takes the one where this process
 * finds itself then, so that no other process's core is stuck to. Where it cannot be had, the
 * guest runs anywhere. */
static void choose_core(struct keeper *k, uint32_t timed)
{
    cpu_set_t one;
    if (timed == KEEPER_PAIR_FIRST)
        k->core = sched_getcpu();
    if (timed == KEEPER_UNTIMED || k->core < 0)
        return;
    CPU_ZERO(&one);
    CPU_SET(k->core, &one);
    (void)sched_setaffinity(k->life.pid, sizeof one, &one);
}

static int start_life(struct keeper *k, const struct keeper_fork *order)
{
    struct life *l = &k->life;
    l->pidfd = (int)syscall(SYS_pidfd_open, l->pid, 0);
    if (l->pidfd < 0 || clock_getcpuclockid(l->pid, &l->clock) != 0)
        return l->pidfd < 0 ? -errno : -ESRCH;
    l->seq = order->head.seq;
    l->wall_ns_max = (int64_t)(order->wall_us * NS_PER_US);
    l->cpu_ns_max = (int64_t)(order->cpu_us * NS_PER_US);
    l->cpu_limit = sbx__cpu_limit(order->cpu_us);
    if (l->cpu_limit > k->cpu_limit)
        l->cpu_limit = k->cpu_limit;
    l->dying = false;
    l->cause = KEEPER_BY_ITSELF;
    choose_core(k, order->timed);
    return 0;
}

/* The slot's cap leaves the guest's own limits to be met first: to the template and the guest's
 * memory comes what no limit counts, mostly its files. */
static int cap_slot(struct keeper *k, const struct keeper_fork *order)
{
    const uint64_t spare = (uint64_t)(SBX_TMP_MIB + 64) << 20;
    sbx__cgroup_mark(&k->group);
    return sbx__cgroup_limit(&k->group, k->data_base + spare + (order->memory_kib << 10),
                             order->threads + SLOT_PROCESSES);
}

/* After sbx__tmp_begin and _end: Landlock's rule names the folder, so another one needs another
 * rule. */
static int follow_folder(struct keeper *k, int rc)
{
    int rules;
    if (rc <= 0 || k->rules < 0)
        return rc < 0 ? rc : 0;
    TRY(sbx__landlock_rules(k->options.path, k->tmp.path, &rules, NULL));
    close(k->rules);
    k->rules = rules;
    return 0;
}

/* A negative result ends the keeper: the judge is gone, or the slot is in a state that nobody
 * can vouch for. */
static int on_fork(struct keeper *k, const struct keeper_fork *order)
{
    const uint64_t us_max = 86400ull * 1000000;
    struct ends e;
    if (k->life.pid)
        return send_failed(k, order->head.seq, "a guest lives already", -EBUSY);
    if (order->cpu_us > us_max || order->wall_us > us_max || order->memory_kib > UINT32_MAX ||
        order->threads > 4096 || order->file_kib > UINT32_MAX)
        return send_failed(k, order->head.seq, "limits", -ERANGE);
    follow_judge(k, order->core);
    int rc = make_ends(&e, order->stdio != 0);
    if (rc == 0 && (k->isolation & SBX_CGROUP))
        rc = cap_slot(k, order);
    if (rc == 0 && k->may_write)
        rc = follow_folder(k, sbx__tmp_begin(&k->tmp));
    k->life.born_ns = wall_ns();
    if (rc == 0)
        rc = fork_guest(k, order, &e);
    if (rc == 0)
        rc = start_life(k, order);
    close_side(&e, 0);
    if (rc == 0) {
        struct keeper_forked m = {.head = {KEEPER_FORKED, order->head.seq},
                                  .isolation = k->isolation | SBX_FLOOR};
        const int all[4] = {e.socket[1], e.stdio[0][1], e.stdio[1][1], e.stdio[2][1]};
        const int output[2] = {e.socket[1], e.stdio[1][1]};
        rc = send_message(k, &m, sizeof m, order->stdio ? all : output, order->stdio ? 4 : 2);
    } else if (!k->life.pid) {
        if (k->may_write)
            (void)sbx__tmp_end(&k->tmp);
        rc = send_failed(k, order->head.seq, "cannot fork a guest", rc);
    }
    close_side(&e, 1);
    return rc;
}

/* ---- life and death -------------------------------------------------------------------------- */

static int64_t guest_cpu_ns(const struct keeper *k)
{
    int64_t ns = k->life.pid ? clock_ns(k->life.clock) : 0;
    return ns < 0 ? 0 : ns;
}

static void end_guest(struct keeper *k, enum keeper_cause cause)
{
    struct life *l = &k->life;
    if (!l->pid || l->dying)
        return;
    l->dying = true;
    l->cause = cause;
    syscall(SYS_pidfd_send_signal, l->pidfd, SIGKILL, NULL, 0);
}

/* Nanoseconds until a limit could be reached at the earliest; kills when one is. -1: nothing to
 * wait for. */
static int64_t watch_limits(struct keeper *k)
{
    const struct life *l = &k->life;
    if (!l->pid || l->dying)
        return -1;
    const int64_t lived = wall_ns() - l->born_ns, wall_left = l->wall_ns_max - lived;
    /* Its clock, a call of the kernel, is not asked before all cores together could have spent
     * what it may. */
    int64_t next = l->cpu_ns_max / k->processors - lived;
    if (next <= 0)
        next = (l->cpu_ns_max - guest_cpu_ns(k)) / k->processors;
    if (next <= 0)
        end_guest(k, KEEPER_BY_CPU);
    else if (wall_left <= 0)
        end_guest(k, KEEPER_BY_WALL);
    else if (k->may_write && sbx__tmp_is_full(&k->tmp))
        end_guest(k, KEEPER_BY_DISK);
    if (l->dying)
        return -1;
    if (wall_left < next)
        next = wall_left;
    if (k->may_write && !k->tmp.mounted && next > DISK_TICK_NS)
        next = DISK_TICK_NS;
    return next > TICK_NS_MIN ? next : TICK_NS_MIN;
}

static uint64_t micros(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
}

/* Who has killed a guest that this process did not. */
static enum keeper_cause killer(const struct keeper *k)
{
    static const enum keeper_cause causes[] = {[SBX_OOM_NONE] = KEEPER_BY_ITSELF,
                                               [SBX_OOM_CAP] = KEEPER_BY_MEMORY,
                                               [SBX_OOM_HOST] = KEEPER_BY_HOST};
    return k->isolation & SBX_CGROUP ? causes[sbx__cgroup_oom(&k->group)] : KEEPER_BY_ITSELF;
}

/* Of a guest that has ended: whether it had lowered its own limit of processor time, at whose end the
 * kernel kills it as somebody else on the host could. */
static bool set_its_own_end(const struct life *l)
{
    struct rlimit limit;
    return prlimit(l->pid, RLIMIT_CPU, NULL, &limit) == 0 && limit.rlim_max < l->cpu_limit;
}

static int reap(struct keeper *k)
{
    struct life *l = &k->life;
    struct rusage used;
    int status;
    const bool own_end = l->cause == KEEPER_BY_ITSELF && set_its_own_end(l);
    while (wait4(l->pid, &status, 0, &used) < 0)
        if (errno != EINTR)
            return -errno;
    close(l->pidfd);
    struct keeper_exited m = {
        .head = {KEEPER_EXITED, l->seq},
        .status = status,
        .cause = l->cause,
        .user_us = micros(used.ru_utime),
        .system_us = micros(used.ru_stime),
        .wall_us = (uint64_t)(wall_ns() - l->born_ns) / NS_PER_US,
        .memory_peak_kib = (uint64_t)used.ru_maxrss,
    };
    /* It may have ended before our kill arrived; or the kernel's own limit came first, because this
     * process was kept from running. */
    const int64_t used_ns = (int64_t)(m.user_us + m.system_us) * NS_PER_US;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        m.cause = KEEPER_BY_ITSELF;
    else if (l->cause == KEEPER_BY_ITSELF)
        m.cause = own_end || used_ns >= l->cpu_ns_max ? KEEPER_BY_CPU : killer(k);
    l->pid = 0;
    int rc = send_message(k, &m, sizeof m, NULL, 0);
    int tidied = k->may_write ? follow_folder(k, sbx__tmp_end(&k->tmp)) : 0;
    return rc < 0 ? rc : tidied;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* 1: the judge has hung up. */
static int on_message(struct keeper *k)
{
    union {
        struct keeper_head head;
        struct keeper_fork fork;
    } m = {0};
    ssize_t n = recv(k->judge, &m, sizeof m, MSG_CMSG_CLOEXEC);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : -errno;
    if (n == 0)
        return 1;
    if (n == sizeof m.fork && m.head.kind == KEEPER_FORK)
        return on_fork(k, &m.fork);
    if (n == sizeof m.head && m.head.kind == KEEPER_KILL) {
        end_guest(k, KEEPER_BY_JUDGE); /* its end may have been told already */
        return k->life.pid ? reap(k) : 0;
    }
    if (n == sizeof m.head && m.head.kind == KEEPER_CLOCK) {
        struct keeper_clocked clocked = {.head = {KEEPER_CLOCKED, m.head.seq},
                                         .cpu_ns = (uint64_t)guest_cpu_ns(k),
                                         .instructions = sbx__counter_children(&k->counter)};
        return send_message(k, &clocked, sizeof clocked, NULL, 0);
    }
    return send_failed(k, m.head.seq, "unknown message", -EBADMSG);
}

static int serve(struct keeper *k)
{
    for (;;) {
        struct pollfd fds[2] = {{k->judge, POLLIN, 0},
                                {k->life.pid ? k->life.pidfd : -1, POLLIN, 0}};
        int64_t ns = watch_limits(k);
        struct timespec timeout = {ns / NS_PER_S, ns % NS_PER_S};
        if (ppoll(fds, 2, ns < 0 ? NULL : &timeout, NULL) < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        int rc = fds[1].revents ? reap(k) : 0;
        if (rc == 0 && fds[0].revents)
            rc = on_message(k);
        if (rc != 0) {
            end_guest(k, KEEPER_BY_JUDGE);
            while (k->life.pid && waitpid(k->life.pid, NULL, 0) < 0 && errno == EINTR)
                ;
            if (k->life.pid && k->may_write)
                (void)sbx__tmp_end(&k->tmp);
            return rc == 1 || rc == -EPIPE || rc == -ECONNRESET ? 0 : rc;
        }
    }
}

/* ---- the slot -------------------------------------------------------------------------------- */

/* Goes on as the first process of the new pid namespace; the caller's process waits for it and
 * never returns. */
static int enter_pid_namespace(struct keeper *k, struct err *err)
{
    pid_t pid = fork();
    if (pid < 0)
        return err_set(err, -errno, "cannot fork the keeper proper: %s", strerror(errno));
    if (pid > 0) {
        int status = 0;
        close_range(3, ~0u, 0);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
            raise(SIGKILL); /* whoever waits for this process asks who ended the other */
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return err_set(err, -errno, "prctl(PR_SET_PDEATHSIG): %s", strerror(errno));
    k->own_pids = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    if (k->own_pids < 0)
        return err_set(err, -errno, "/proc/self/ns/pid: %s", strerror(errno));
    return 0;
}

/* Takes what is meant for this program from the environment, then wipes it: the strings as well
 * as the list, since a guest can read all of its memory and whoever started the verifier may
 * have had secrets there. */
static int take_environment(struct keeper *k, struct err *err)
{
    static const char *const fresh[][2] = {
        {"HOME", "/tmp"},
        {"LANG", "C.UTF-8"},
        {"PATH", "/usr/bin:/bin"},
        {"TZ", "UTC"},
        {"OMP_NUM_THREADS", "1"},
        {"MKL_NUM_THREADS", "1"},
        {"OPENBLAS_NUM_THREADS", "1"},
    };
    static struct interpreter_options kept; /* to the end of the process */
    TRY(sbx__without(&k->without, err));
    kept = interpreter_options_env();
    if (kept.path)
        kept.path = check_alloc(strdup(kept.path));
    if (kept.preload)
        kept.preload = check_alloc(strdup(kept.preload));
    k->options = kept;
    for (char **one = environ; one && *one; one++)
        explicit_bzero(*one, strlen(*one));
    clearenv();
    for (size_t i = 0; i < COUNT_OF(fresh); i++)
        if (setenv(fresh[i][0], fresh[i][1], 1) != 0)
            return err_set(err, -errno, "setenv: %s", strerror(errno));
    return 0;
}

/* A private root has its /tmp; on the host's, a folder is fenced off by Landlock, and without that
 * there is nothing to write to. A host whose /tmp is closed has none either. */
static int fence_files(struct keeper *k, struct err *err)
{
    const bool mounted = (k->isolation & SBX_MNTNS) != 0;
    int rc = 0;
    k->rules = -1;
    if (!(k->without & SBX_LANDLOCK))
        TRY(sbx__landlock_rules(k->options.path, NULL, &k->rules, err));
    if (k->rules >= 0)
        k->isolation |= SBX_LANDLOCK;
    if (mounted || k->rules >= 0)
        rc = sbx__tmp_open(mounted, &k->tmp, err);
    k->may_write = rc == 0 && (mounted || k->rules >= 0);
    if (rc < 0 && mounted)
        return rc;
    if (k->may_write && mounted && k->rules >= 0) {
        close(k->rules);
        TRY(sbx__landlock_rules(k->options.path, k->tmp.path, &k->rules, err));
    }
    if (k->may_write &&
        (setenv("TMPDIR", k->tmp.path, 1) != 0 || setenv("HOME", k->tmp.path, 1) != 0))
        return err_set(err, -errno, "setenv: %s", strerror(errno));
    return 0;
}

static int build_slot(struct keeper *k, struct err *err)
{
    struct stat root;
    if (!(k->without & SBX_CGROUP) && sbx__cgroup_enter(&k->group))
        k->isolation |= SBX_CGROUP;
    TRY(sbx__become_nobody(err));
    TRY(sbx__enter_namespaces(k->without, &k->isolation, err));
    if (k->isolation & SBX_PIDNS)
        TRY(enter_pid_namespace(k, err));
    k->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (k->statm < 0 || stat("/", &root) != 0)
        return err_set(err, -errno, "/proc/self/statm: %s", strerror(errno));
    k->host_root = root.st_dev;
    if (k->isolation & SBX_MNTNS)
        TRY(sbx__enter_root(k->options.path, &k->isolation, err));
    int rc = sbx__no_new_privs();
    if (rc == 0)
        rc = sbx__drop_bounding_set();
    if (rc < 0)
        return err_set(err, rc, "cannot give up privileges: %s", strerror(-rc));
    return fence_files(k, err);
}

/* The two filters: this process's own, which allows what the loop below does, and the guests'. */
static int compile_filters(struct keeper *k, struct err *err)
{
    const enum sbx_role role = k->isolation & SBX_MNTNS      ? SBX_ROLE_GUEST
                               : k->isolation & SBX_LANDLOCK ? SBX_ROLE_GUEST_FOLDER
                                                             : SBX_ROLE_GUEST_BARE;
    TRY(sbx_filter_compile(role, SBX_FINAL, &k->filter, err));
    if (k->isolation & SBX_PIDNS)
        sbx_filter_name(&k->filter, 1); /* each guest is the first there, and need not write */
    return sbx_filter_compile(role, SBX_INHERITED, &k->own_filter, err);
}

/* Bytes of heap and data the template has: a guest's memory limit counts from there. They are the
 * sixth figure of statm, in pages. */
static int measure_data(struct keeper *k, struct err *err)
{
    char text[128] = "", *at = text;
    ssize_t n = pread(k->statm, text, sizeof text - 1, 0);
    unsigned long pages = 0;
    for (int i = 0; i < 6 && n > 0; i++)
        pages = strtoul(at, &at, 10);
    close(k->statm);
    if (!pages)
        return err_set(err, -EIO, "/proc/self/statm: no size of data");
    k->data_base = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return 0;
}

/* Everything up to the first order. */
static int prepare(struct keeper *k, struct err *err)
{
    cpu_set_t allowed;
    struct rlimit own;
    TRY(take_environment(k, err));
    TRY(build_slot(k, err));
    TRY(compile_filters(k, err));
    sbx__layout_begin();
    TRY(interpreter_start(&k->options, err));
    if (guest_prepare() != 0 || (!(k->isolation & SBX_FENCES) && guest_import_library() != 0))
        return interpreter_error(err, -ENOEXEC, "guest");
    malloc_trim(0);
    sbx__layout_end();
    TRY(measure_data(k, err));
    (void)sbx__counter_open(&sbx_instructions, &k->counter); /* else guests have CPU time alone */
    k->processors = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
    k->cpu_limit = getrlimit(RLIMIT_CPU, &own) == 0 ? own.rlim_max : RLIM_INFINITY;
    int rc = sbx_filter_install(&k->own_filter);
    return rc < 0 ? err_set(err, rc, "cannot install the seccomp filter: %s", strerror(-rc)) : 0;
}

int keeper_run(int fd, struct err *err)
{
    /* On the stack, whose page a fork writes to in any case. */
    struct keeper k = {.own_pids = -1, .core = -1};
    k.judge = fd;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return err_set(err, -errno, "descriptor %d is not the judge: %s", fd, strerror(errno));
    TRY(prepare(&k, err));
    struct keeper_hello hello = {.head = {KEEPER_HELLO, 0},
                                 .isolation = k.isolation | SBX_FLOOR,
                                 .python_hex = PY_VERSION_HEX};
    int rc = send_message(&k, &hello, sizeof hello, NULL, 0);
    if (rc == 0)
        rc = serve(&k);
    return rc < 0 ? err_set(err, rc, "%s", strerror(-rc)) : 0;
}
