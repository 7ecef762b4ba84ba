/* Every row of the policy, tried from inside: an allowed call reaches the kernel, a refused one
 * gets its error, and what no row names ends the process. Arguments are nonsense, so that no
 * call does anything. The rows themselves are the list of what is tried: a new one is tried too.
 *
 * A guest is under two filters; tests install both, as a keeper and its guest would. That the pair
 * is the policy of the table, for many more arguments than can be tried, is shown by running the
 * programs here. */
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "sandbox.h"
#include "sandbox/policy.h"

enum { OUTCOME_ALLOWED = 0, OUTCOME_ERRNO = 1, OUTCOME_SURVIVED = 120 };

/* What one role is under: a guest inherits the first and adds the second. */
struct jail {
    struct sbx_filter first, second;
};

static bool is_guest(enum sbx_role role)
{
    return role & (SBX_ROLE_GUEST | SBX_ROLE_GUEST_FOLDER | SBX_ROLE_GUEST_BARE);
}

static struct jail jail_make(enum sbx_role role)
{
    struct jail jail = {0};
    struct err err = {0};
    if (sbx_filter_compile(role, is_guest(role) ? SBX_INHERITED : SBX_WHOLE, &jail.first, &err) < 0)
        fail_msg("%s", err.text);
    if (is_guest(role) && sbx_filter_compile(role, SBX_FINAL, &jail.second, &err) < 0)
        fail_msg("%s", err.text);
    return jail;
}

static void jail_free(struct jail *jail)
{
    sbx_filter_free(&jail->first);
    sbx_filter_free(&jail->second);
}

static void jail_enter(struct jail *jail)
{
    signal(SIGILL, SIG_DFL); /* cmocka's handlers would go on with the next test */
    signal(SIGSEGV, SIG_DFL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || sbx_filter_install(&jail->first) < 0 ||
        (jail->second.count && sbx_filter_install(&jail->second) < 0))
        _exit(OUTCOME_SURVIVED);
}

/* Makes one call in a jail, in a child; the wait status. The exit status is
 * OUTCOME_ALLOWED, or OUTCOME_ERRNO + errno. */
static int try_call(struct jail *jail, long call, const unsigned long arg[6], bool own_pid,
                    unsigned pid_argument)
{
    pid_t pid = fork();
    if (pid == 0) {
        unsigned long a[6];
        memcpy(a, arg, sizeof a);
        if (own_pid)
            a[pid_argument] = (unsigned long)getpid();
        alarm(60);
        jail_enter(jail);
        long rc = syscall(call, a[0], a[1], a[2], a[3], a[4], a[5]);
        syscall(SYS_exit_group, rc == -1 ? OUTCOME_ERRNO + errno : OUTCOME_ALLOWED);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static bool was_killed(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void on_signal(int number)
{
    (void)number;
}

/* Calls that do not return, or not in the ordinary way. 0 when they did what they should. */
static bool try_awkward(struct jail *jail, int call)
{
    if (call != SYS_exit && call != SYS_exit_group && call != SYS_pause && call != SYS_rt_sigreturn)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        struct itimerval soon = {{0, 20000}, {0, 20000}}; /* again, if it comes too early */
        signal(SIGALRM, on_signal);
        jail_enter(jail);
        /* A handler's return is the only way to call rt_sigreturn. */
        if (call == SYS_pause)
            setitimer(ITIMER_REAL, &soon, NULL);
        if (call == SYS_pause && (syscall(SYS_pause) != -1 || errno != EINTR))
            syscall(SYS_exit_group, 1);
        if (call == SYS_rt_sigreturn && raise(SIGALRM) != 0)
            syscall(SYS_exit_group, 1);
        syscall(call == SYS_exit ? SYS_exit : SYS_exit_group, 7);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
        fail_msg("call %d: wait status %x", call, (unsigned)status);
    return true;
}

static const int error_of[] = {
    [SBX_EPERM] = EPERM,   [SBX_EACCES] = EACCES, [SBX_EAGAIN] = EAGAIN,
    [SBX_ENOSYS] = ENOSYS, [SBX_EROFS] = EROFS,   [SBX_PRETEND] = 0,
};

static void try_row(struct jail *jail, const struct sbx_row *row)
{
    unsigned long arg[6];
    memset(arg, 0xff, sizeof arg);
    if (row->condition == SBX_EQ || row->condition == SBX_MASK)
        arg[row->argument] = row->value;
    if (row->condition == SBX_NE)
        arg[row->argument] = row->value + 1;
    bool own = row->condition == SBX_EQ && row->value == SBX_OWN_PID;
    int status = try_call(jail, row->call, arg, own, row->argument);
    int error = WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) - OUTCOME_ERRNO : 0;
    if (!WIFEXITED(status))
        fail_msg("call %d (%s): killed by signal %d", row->call, row->reason, WTERMSIG(status));
    if (row->verdict == SBX_ALLOW && (error == EPERM || error == EROFS))
        fail_msg("call %d (%s): refused with errno %d", row->call, row->reason, error);
    if (row->verdict != SBX_ALLOW && error != error_of[row->verdict])
        fail_msg("call %d (%s): errno %d", row->call, row->reason, error);
}

static void try_rows(void **state)
{
    const enum sbx_role role = *(const enum sbx_role *)*state;
    struct jail jail = jail_make(role);
    for (size_t i = 0; i < sbx_rows_count; i++)
        if ((sbx_rows[i].roles & role) && sbx_rows[i].call >= 0 &&
            !try_awkward(&jail, sbx_rows[i].call))
            try_row(&jail, &sbx_rows[i]);
    jail_free(&jail);
}

enum { CALLS_MAX = 512 };

/* The other side of the table: every number that no row of the role names, and numbers that no
 * kernel knows yet. */
static void try_the_rest(void **state)
{
    const enum sbx_role role = *(const enum sbx_role *)*state;
    static const unsigned long none[6];
    struct jail jail = jail_make(role);
    for (int call = 0; call < CALLS_MAX; call++) {
        /* Linux lets uretprobe and uprobe past every filter, and answers its own trampolines only. */
        bool named = call == 335 || call == 336;
        for (size_t i = 0; i < sbx_rows_count && !named; i++)
            named = sbx_rows[i].call == call && (sbx_rows[i].roles & role);
        if (!named && !was_killed(try_call(&jail, call, none, false, 0)))
            fail_msg("call %d lives as role %d", call, (int)role);
    }
    jail_free(&jail);
}

static void every_row_has_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sbx_rows_count; i++) {
        assert_non_null(sbx_rows[i].reason);
        assert_true(strlen(sbx_rows[i].reason) > 3);
        assert_int_not_equal(sbx_rows[i].roles, 0);
    }
}

/* ---- the programs, run here ------------------------------------------------------------------ */

/* The instructions that libseccomp emits. */
static uint32_t run_program(const struct sbx_filter *filter, const struct seccomp_data *data)
{
    uint32_t a = 0;
    for (unsigned i = 0; i < filter->count; i++) {
        const struct sock_filter *op = &filter->code[i];
        bool jump = false;
        switch (op->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            memcpy(&a, (const char *)data + op->k, sizeof a);
            continue;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= op->k;
            continue;
        case BPF_JMP | BPF_JA:
            i += op->k;
            continue;
        case BPF_RET | BPF_K:
            return op->k;
        case BPF_JMP | BPF_JEQ | BPF_K:
            jump = a == op->k;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            jump = a >= op->k;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            jump = a > op->k;
            break;
        default:
            fail_msg("instruction %#x", op->code);
        }
        i += jump ? op->jt : op->jf;
    }
    fail_msg("a program without an end");
    return 0;
}

/* The kernel's choice between two filters: the one that allows less. */
static uint32_t run_both(const struct jail *jail, const struct seccomp_data *data)
{
    const uint32_t one = run_program(&jail->first, data);
    const uint32_t two =
        jail->second.count ? run_program(&jail->second, data) : (uint32_t)SECCOMP_RET_ALLOW;
    return (int32_t)(one & SECCOMP_RET_ACTION_FULL) <= (int32_t)(two & SECCOMP_RET_ACTION_FULL)
               ? one
               : two;
}

static uint32_t action_of_table(enum sbx_role role, const struct seccomp_data *data)
{
    for (size_t i = 0; i < sbx_rows_count; i++) {
        const struct sbx_row *row = &sbx_rows[i];
        const uint64_t x = data->args[row->argument];
        const bool holds = row->condition == SBX_ANY  ? true
                           : row->condition == SBX_EQ ? x == row->value
                           : row->condition == SBX_NE ? x != row->value
                                                      : (x & row->mask) == row->value;
        if (row->call != data->nr || !(row->roles & role) || !holds)
            continue;
        return row->verdict == SBX_ALLOW ? (uint32_t)SECCOMP_RET_ALLOW
                                         : SECCOMP_RET_ERRNO | (uint32_t)error_of[row->verdict];
    }
    return SECCOMP_RET_KILL_PROCESS;
}

/* Values on both sides of every condition of a call, low and high halves. */
static size_t interesting(int call, uint64_t to[1024])
{
    size_t n = 0;
    to[n++] = 0;
    to[n++] = ~0ull;
    for (size_t i = 0; i < sbx_rows_count && n + 40 < 1024; i++) {
        const struct sbx_row *row = &sbx_rows[i];
        if (row->call != call || row->condition == SBX_ANY)
            continue;
        const uint64_t around[] = {row->value,
                                   row->value + 1,
                                   row->value - 1,
                                   row->value | 1ull << 32,
                                   row->value | 1ull << 63,
                                   row->value ^ row->mask,
                                   ~row->mask};
        for (size_t j = 0; j < COUNT_OF(around); j++)
            to[n++] = around[j];
        for (int bit = 0; bit < 64; bit++)
            if ((row->mask >> bit & 1) && n < 1000)
                to[n++] = row->value ^ 1ull << bit;
    }
    return n;
}

static void the_filters_are_the_table(void **state)
{
    const enum sbx_role role = *(const enum sbx_role *)*state;
    struct jail jail = jail_make(role);
    for (int call = 0; call < CALLS_MAX; call++) {
        uint64_t values[1024];
        const size_t n = interesting(call, values);
        for (unsigned argument = 0; argument < 6; argument++)
            for (size_t i = 0; i < n; i++) {
                struct seccomp_data data = {.nr = call, .arch = AUDIT_ARCH_X86_64};
                for (int j = 0; j < 6; j++)
                    data.args[j] = 0x1111;
                data.args[argument] = values[i];
                const uint32_t is = run_both(&jail, &data), should = action_of_table(role, &data);
                if (is != should)
                    fail_msg("role %d: call %d, argument %u = %#llx: %#x instead of %#x", (int)role,
                             call, argument, (unsigned long long)values[i], is, should);
            }
    }
    jail_free(&jail);
}

/* A keeper's row is an excuse from a refusal, or it would not be taken back. */
static void what_the_keeper_may_is_taken_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sbx_rows_count; i++) {
        const struct sbx_row *k = &sbx_rows[i];
        bool excuses = false;
        if (!(k->roles & SBX_ROLE_KEEPER))
            continue;
        assert_int_equal(k->roles, SBX_ROLE_KEEPER);
        assert_int_equal(k->verdict, SBX_ALLOW);
        for (size_t j = 0; j < sbx_rows_count; j++)
            excuses =
                excuses || (sbx_rows[j].call == k->call && is_guest(sbx_rows[j].roles) &&
                            sbx_rows[j].condition == k->condition &&
                            sbx_rows[j].value == k->value && sbx_rows[j].verdict != SBX_ALLOW);
        if (!excuses)
            fail_msg("call %d (%s)", k->call, k->reason);
    }
}

/* ---- what surely must not pass --------------------------------------------------------------- */

static void nothing_passes_that_must_not(void **state)
{
    (void)state;
    static const enum sbx_role roles[] = {SBX_ROLE_GUEST, SBX_ROLE_GUEST_FOLDER,
                                          SBX_ROLE_GUEST_BARE, SBX_ROLE_JUDGE, SBX_ROLE_LINT};
    static const int calls[] = {
        SYS_clone3,
        SYS_fork,
        SYS_vfork,
        SYS_execve,
        SYS_execveat,
        SYS_io_uring_setup,
        SYS_io_uring_enter,
        SYS_io_uring_register,
        SYS_io_setup,
        SYS_userfaultfd,
        SYS_bpf,
        SYS_perf_event_open,
        SYS_keyctl,
        SYS_add_key,
        SYS_request_key,
        SYS_ptrace,
        SYS_process_vm_readv,
        SYS_process_vm_writev,
        SYS_process_madvise,
        SYS_process_mrelease,
        SYS_pidfd_open,
        SYS_pidfd_getfd,
        SYS_pidfd_send_signal,
        SYS_mount,
        SYS_umount2,
        SYS_fsopen,
        SYS_fsconfig,
        SYS_fsmount,
        SYS_fspick,
        SYS_open_tree,
        SYS_move_mount,
        SYS_mount_setattr,
        SYS_pivot_root,
        SYS_chroot,
        SYS_unshare,
        SYS_setns,
        SYS_memfd_create,
        SYS_memfd_secret,
        SYS_kexec_load,
        SYS_kexec_file_load,
        SYS_init_module,
        SYS_finit_module,
        SYS_delete_module,
        SYS_swapon,
        SYS_swapoff,
        SYS_reboot,
        SYS_settimeofday,
        SYS_clock_settime,
        SYS_adjtimex,
        SYS_clock_adjtime,
        SYS_sched_setscheduler,
        SYS_sched_setparam,
        SYS_sched_setattr,
        SYS_setpriority,
        SYS_ioprio_set,
        SYS_name_to_handle_at,
        SYS_open_by_handle_at,
        SYS_quotactl,
        SYS_quotactl_fd,
        SYS_syslog,
        SYS_lookup_dcookie,
        SYS_kcmp,
        SYS_seccomp,
        SYS_personality,
        SYS_rt_sigqueueinfo,
        SYS_rt_tgsigqueueinfo,
        SYS_tkill,
        SYS_socket,
        SYS_connect,
        SYS_bind,
        SYS_listen,
        SYS_accept,
        SYS_accept4,
        SYS_shmget,
        SYS_shmat,
        SYS_semget,
        SYS_msgget,
        SYS_msgsnd,
        SYS_mq_open,
        SYS_setuid,
        SYS_setgid,
        SYS_setresuid,
        SYS_capset,
        SYS_iopl,
        SYS_ioperm,
        SYS_modify_ldt,
        SYS_arch_prctl,
        SYS_mknod,
        SYS_mknodat,
        SYS_chown,
        SYS_fchown,
        SYS_lchown,
        SYS_fchownat,
        SYS_setxattr,
        SYS_landlock_restrict_self,
        SYS_acct,
        SYS_vhangup,
        SYS_sethostname,
        SYS_setdomainname,
        SYS_nfsservctl,
        SYS_uselib,
        SYS_move_pages,
        SYS_migrate_pages,
        SYS_fanotify_init,
        SYS_inotify_init1,
        SYS_vmsplice,
        SYS_splice,
        SYS_tee,
    };
    for (size_t r = 0; r < COUNT_OF(roles); r++) {
        struct jail jail = jail_make(roles[r]);
        for (size_t i = 0; i < COUNT_OF(calls); i++)
            for (uint64_t x = 0; x < 64; x++) {
                struct seccomp_data data = {.nr = calls[i], .arch = AUDIT_ARCH_X86_64};
                for (int j = 0; j < 6; j++)
                    data.args[j] = x & 1u << j ? ~0ull : 0;
                if ((run_both(&jail, &data) & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW)
                    fail_msg("role %d may make call %d", (int)roles[r], calls[i]);
            }
        jail_free(&jail);
    }
}

/* Calls that pass with some arguments only, at their edges and for real. */
static void arguments_decide(void **state)
{
    (void)state;
    static const struct {
        int call;
        unsigned long a[6];
        int outcome; /* errno, or 0: SIGSYS */
    } rows[] = {
        {SYS_prctl, {PR_SET_MM}, 0},
        {SYS_ioctl, {0, 0x1234}, 0},
        {SYS_clone, {CLONE_THREAD | CLONE_NEWUSER}, 0},
        {SYS_clone, {CLONE_NEWUSER | SIGCHLD}, EAGAIN},
        {SYS_clone, {SIGCHLD}, EAGAIN},
        {0x40000000 + SYS_getpid, {0}, 0}, /* x32 */
        {0x40000000 + SYS_ptrace, {0}, 0},
        {5000, {0}, 0},
        {SYS_prlimit64, {1, RLIMIT_CPU}, EPERM},
        {SYS_kill, {(unsigned long)-1, 0}, EPERM},
        {SYS_kill, {0, 0}, EPERM},
        {SYS_tgkill, {1, 1, 0}, EPERM},
        {SYS_socketpair, {AF_INET, SOCK_STREAM}, EPERM},
        {SYS_socketpair, {AF_NETLINK, SOCK_RAW}, EPERM},
        {SYS_socket, {AF_UNIX, SOCK_DGRAM}, EPERM},
        {SYS_socket, {AF_ALG, SOCK_SEQPACKET}, EPERM},
        {SYS_socket, {AF_VSOCK, SOCK_STREAM}, EPERM},
        {SYS_socket, {AF_NETLINK, SOCK_RAW}, EPERM},
        {SYS_socket, {AF_PACKET, SOCK_RAW}, EPERM},
        {SYS_sendto, {1, (unsigned long)"x", 1, 0, (unsigned long)"\1\0x", 3}, EPERM},
        {SYS_prctl, {PR_SET_DUMPABLE, 1}, EPERM},
        {SYS_prctl, {PR_SET_PDEATHSIG, 0}, EPERM},
        {SYS_prctl, {PR_SET_SECCOMP, 2}, EPERM},
        {SYS_fcntl, {0, F_SETPIPE_SZ, 1 << 20}, EPERM},
        {SYS_ioctl, {0, TIOCSTI, 0}, EPERM},
    };
    struct jail jail = jail_make(SBX_ROLE_GUEST);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const int status = try_call(&jail, rows[i].call, rows[i].a, false, 0);
        const bool as_it_should =
            rows[i].outcome
                ? WIFEXITED(status) && WEXITSTATUS(status) == OUTCOME_ERRNO + rows[i].outcome
                : was_killed(status);
        if (!as_it_should)
            fail_msg("row %zu, call %d: wait status %#x", i, rows[i].call, (unsigned)status);
    }
    jail_free(&jail);
}

static void the_other_architecture_kills(void **state)
{
    (void)state;
    struct jail jail = jail_make(SBX_ROLE_GUEST);
    pid_t pid = fork();
    if (pid == 0) {
        long rc = 20; /* getpid of i386 */
        jail_enter(&jail);
        __asm__ volatile("int $0x80" : "+a"(rc) : : "memory", "r8", "r9", "r10", "r11");
        _exit(OUTCOME_SURVIVED);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    /* A kernel without 32-bit entry faults instead. */
    assert_true(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV));
    struct seccomp_data data = {.nr = 20, .arch = AUDIT_ARCH_I386};
    assert_int_equal(run_both(&jail, &data), SECCOMP_RET_KILL_PROCESS);
    jail_free(&jail);
}

/* ---- combinations, helpers, the host --------------------------------------------------------- */

/* Combinations of mmap and open that rows split by bits: none of them falls between two rows. */
static void split_rows_are_complete(void **state)
{
    (void)state;
    static const unsigned long map_flags[] = {
        MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS, MAP_SHARED_VALIDATE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, MAP_SHARED | MAP_GROWSDOWN};
    static const unsigned long open_flags[] = {O_RDONLY | O_CLOEXEC,
                                               O_WRONLY,
                                               O_RDWR,
                                               O_WRONLY | O_CREAT | O_TRUNC,
                                               O_CREAT,
                                               O_TRUNC,
                                               O_CREAT | O_TRUNC,
                                               O_RDWR | O_CREAT | O_APPEND};
    struct jail guest = jail_make(SBX_ROLE_GUEST), judge = jail_make(SBX_ROLE_JUDGE);
    for (size_t i = 0; i < COUNT_OF(map_flags); i++) {
        const unsigned long arg[6] = {0, 4096, PROT_READ | PROT_WRITE, map_flags[i], ~0ul, 0};
        int status = try_call(&guest, SYS_mmap, arg, false, 0);
        assert_true(WIFEXITED(status));
        /* The third is a file's, of a descriptor that is none. */
        const int error = i == 2 ? EBADF : EPERM;
        assert_int_equal(WEXITSTATUS(status), i == 0 ? OUTCOME_ALLOWED : OUTCOME_ERRNO + error);
    }
    for (size_t i = 0; i < COUNT_OF(open_flags); i++) {
        const unsigned long arg[6] = {(unsigned long)AT_FDCWD, (unsigned long)"/nowhere/x",
                                      open_flags[i], 0600};
        int status = try_call(&judge, SYS_openat, arg, false, 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), OUTCOME_ERRNO + (i == 0 ? ENOENT : EROFS));
    }
    jail_free(&guest);
    jail_free(&judge);
}

/* A helper confines itself and can no longer do what it does not need. */
static void helpers_confine_themselves(void **state)
{
    (void)state;
    static const enum sbx_helper kinds[] = {SBX_HELPER_LINT, SBX_HELPER_JUDGE};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        pid_t pid = fork();
        if (pid == 0) {
            uint32_t had = 0;
            struct err err = {0};
            if (sbx_confine_helper(kinds[i], &had, &err) < 0 || (had & SBX_FLOOR) != SBX_FLOOR)
                _exit(1);
            if (kinds[i] == SBX_HELPER_JUDGE &&
                (geteuid() == 0 || open("/etc/shadow", O_RDONLY) >= 0 ||
                 open("/tmp/x", O_WRONLY | O_CREAT, 0600) >= 0 ||
                 open("/usr/lib/python3.11/os.py", O_RDONLY) < 0 || fork() >= 0 ||
                 socket(AF_UNIX, SOCK_STREAM, 0) >= 0))
                _exit(2);
            void *p = malloc(1 << 20);
            _exit(p ? 0 : 3);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

static void the_host_is_probed(void **state)
{
    (void)state;
    struct sbx_probe probes[SBX_PROBES_MAX];
    int n = sbx_probe(probes);
    assert_in_range(n, 10, SBX_PROBES_MAX);
    for (int i = 0; i < n; i++) {
        assert_non_null(probes[i].name);
        assert_true(probes[i].detail[0]);
        assert_true(probes[i].ok || probes[i].remedy);
        if (probes[i].floor && !probes[i].ok)
            fail_msg("%s: %s", probes[i].name, probes[i].detail);
    }
}

#define FOR_ROLE(test, role)                                                                       \
    {                                                                                              \
#test " (" #role ")", test, NULL, NULL, &role_##role                                       \
    }

static enum sbx_role role_guest = SBX_ROLE_GUEST, role_folder = SBX_ROLE_GUEST_FOLDER,
                     role_bare = SBX_ROLE_GUEST_BARE, role_judge = SBX_ROLE_JUDGE,
                     role_lint = SBX_ROLE_LINT;

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        FOR_ROLE(try_rows, guest),
        FOR_ROLE(try_rows, folder),
        FOR_ROLE(try_rows, bare),
        FOR_ROLE(try_rows, judge),
        FOR_ROLE(try_rows, lint),
        FOR_ROLE(try_the_rest, guest),
        FOR_ROLE(try_the_rest, folder),
        FOR_ROLE(try_the_rest, bare),
        FOR_ROLE(try_the_rest, judge),
        FOR_ROLE(try_the_rest, lint),
        FOR_ROLE(the_filters_are_the_table, guest),
        FOR_ROLE(the_filters_are_the_table, folder),
        FOR_ROLE(the_filters_are_the_table, bare),
        FOR_ROLE(the_filters_are_the_table, judge),
        FOR_ROLE(the_filters_are_the_table, lint),
        cmocka_unit_test(what_the_keeper_may_is_taken_back),
        cmocka_unit_test(every_row_has_a_reason),
        cmocka_unit_test(nothing_passes_that_must_not),
        cmocka_unit_test(arguments_decide),
        cmocka_unit_test(the_other_architecture_kills),
        cmocka_unit_test(split_rows_are_complete),
        cmocka_unit_test(helpers_confine_themselves),
        cmocka_unit_test(the_host_is_probed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
