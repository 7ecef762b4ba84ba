/* Every row of the policy, tried from inside: an allowed call reaches the kernel, a refused one
 * gets its error, and what no row names ends the process. Arguments are nonsense, so that no
 * call does anything. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "sandbox.h"
#include "sandbox/policy.h"

enum { OUTCOME_ALLOWED = 0, OUTCOME_ERRNO = 1, OUTCOME_SURVIVED = 120 };

/* Makes one call under a filter, in a child; the wait status. The exit status is
 * OUTCOME_ALLOWED, or OUTCOME_ERRNO + errno. */
static int try_call(struct sbx_filter *filter, long call, const unsigned long arg[6], bool own_pid,
                    unsigned pid_argument)
{
    pid_t pid = fork();
    if (pid == 0) {
        unsigned long a[6];
        memcpy(a, arg, sizeof a);
        if (own_pid)
            a[pid_argument] = (unsigned long)getpid();
        alarm(5);
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || sbx_filter_install(filter) < 0)
            _exit(OUTCOME_SURVIVED);
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

/* Calls that do not return, or not in the ordinary way. */
static bool is_awkward(int call)
{
    static const int calls[] = {SYS_exit, SYS_exit_group, SYS_pause, SYS_rt_sigreturn};
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        if (calls[i] == call)
            return true;
    return false;
}

static void try_row(struct sbx_filter *filter, const struct sbx_row *row)
{
    static const int errors[] = {
        [SBX_EPERM] = EPERM, [SBX_EAGAIN] = EAGAIN, [SBX_ENOSYS] = ENOSYS, [SBX_EROFS] = EROFS};
    unsigned long arg[6];
    memset(arg, 0xff, sizeof arg);
    if (row->condition == SBX_EQ || row->condition == SBX_MASK)
        arg[row->argument] = row->value;
    if (row->condition == SBX_NE)
        arg[row->argument] = row->value + 1;
    bool own = row->condition == SBX_EQ && row->value == SBX_OWN_PID;
    int status = try_call(filter, row->call, arg, own, row->argument);
    int error = WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) - OUTCOME_ERRNO : 0;
    if (!WIFEXITED(status))
        fail_msg("call %d (%s): killed by signal %d", row->call, row->reason, WTERMSIG(status));
    if (row->verdict == SBX_ALLOW && (error == EPERM || error == EROFS))
        fail_msg("call %d (%s): refused with errno %d", row->call, row->reason, error);
    if (row->verdict != SBX_ALLOW && error != errors[row->verdict])
        fail_msg("call %d (%s): errno %d", row->call, row->reason, error);
}

static void try_role(enum sbx_role role)
{
    struct sbx_filter filter;
    struct err err = {0};
    if (sbx_filter_compile(role, &filter, &err) < 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < sbx_rows_count; i++)
        if ((sbx_rows[i].roles & role) && sbx_rows[i].call >= 0 && !is_awkward(sbx_rows[i].call))
            try_row(&filter, &sbx_rows[i]);
    sbx_filter_free(&filter);
}

static void guest_rows(void **state)
{
    (void)state;
    try_role(SBX_ROLE_GUEST);
}

static void read_only_guest_rows(void **state)
{
    (void)state;
    try_role(SBX_ROLE_GUEST_RO);
}

static void judge_rows(void **state)
{
    (void)state;
    try_role(SBX_ROLE_JUDGE);
}

static void lint_rows(void **state)
{
    (void)state;
    try_role(SBX_ROLE_LINT);
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

static void unnamed_calls_kill(void **state)
{
    (void)state;
    static const struct {
        enum sbx_role role;
        long call;
        unsigned long a, b;
    } rows[] = {
        {SBX_ROLE_GUEST, SYS_vhangup, 0, 0},
        {SBX_ROLE_GUEST, SYS_uselib, 0, 0},
        {SBX_ROLE_GUEST, SYS_prctl, PR_SET_MM, 0},
        {SBX_ROLE_GUEST, SYS_ioctl, 0, 0x1234},
        {SBX_ROLE_GUEST, SYS_clone, CLONE_THREAD | CLONE_NEWUSER, 0},
        {SBX_ROLE_GUEST, 0x40000000 + SYS_getpid, 0, 0}, /* x32 */
        {SBX_ROLE_GUEST, 5000, 0, 0},
        {SBX_ROLE_JUDGE, SYS_vhangup, 0, 0},
        {SBX_ROLE_LINT, SYS_openat, 0, 0},
        {SBX_ROLE_LINT, SYS_open, 0, 0},
        {SBX_ROLE_LINT, SYS_socket, AF_UNIX, SOCK_STREAM},
        {SBX_ROLE_LINT, SYS_clone, 0, 0},
        {SBX_ROLE_LINT, SYS_execve, 0, 0},
        {SBX_ROLE_LINT, SYS_kill, 0, 0},
        {SBX_ROLE_LINT, SYS_ptrace, 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct sbx_filter filter;
        const unsigned long arg[6] = {rows[i].a, rows[i].b};
        assert_int_equal(sbx_filter_compile(rows[i].role, &filter, NULL), 0);
        if (!was_killed(try_call(&filter, rows[i].call, arg, false, 0)))
            fail_msg("call %ld lives as role %d", rows[i].call, rows[i].role);
        sbx_filter_free(&filter);
    }
}

#ifdef __x86_64__
static void the_other_architecture_kills(void **state)
{
    (void)state;
    struct sbx_filter filter;
    assert_int_equal(sbx_filter_compile(SBX_ROLE_GUEST, &filter, NULL), 0);
    pid_t pid = fork();
    if (pid == 0) {
        long rc = 20; /* getpid of i386 */
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || sbx_filter_install(&filter) < 0)
            _exit(OUTCOME_SURVIVED);
        __asm__ volatile("int $0x80" : "+a"(rc) : : "memory", "r8", "r9", "r10", "r11");
        _exit(OUTCOME_SURVIVED);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    /* A kernel without 32-bit entry faults instead. */
    assert_true(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV));
    sbx_filter_free(&filter);
}
#endif

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
    struct sbx_filter guest, judge;
    assert_int_equal(sbx_filter_compile(SBX_ROLE_GUEST, &guest, NULL), 0);
    assert_int_equal(sbx_filter_compile(SBX_ROLE_JUDGE, &judge, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(map_flags); i++) {
        const unsigned long arg[6] = {0, 4096, PROT_READ | PROT_WRITE, map_flags[i], ~0ul, 0};
        int status = try_call(&guest, SYS_mmap, arg, false, 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), i == 0 ? OUTCOME_ALLOWED : OUTCOME_ERRNO + EPERM);
    }
    for (size_t i = 0; i < COUNT_OF(open_flags); i++) {
        const unsigned long arg[6] = {(unsigned long)AT_FDCWD, (unsigned long)"/nowhere/x",
                                      open_flags[i], 0600};
        int status = try_call(&judge, SYS_openat, arg, false, 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), OUTCOME_ERRNO + (i == 0 ? ENOENT : EROFS));
    }
    sbx_filter_free(&guest);
    sbx_filter_free(&judge);
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

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guest_rows),
        cmocka_unit_test(read_only_guest_rows),
        cmocka_unit_test(judge_rows),
        cmocka_unit_test(lint_rows),
        cmocka_unit_test(every_row_has_a_reason),
        cmocka_unit_test(unnamed_calls_kill),
#ifdef __x86_64__
        cmocka_unit_test(the_other_architecture_kills),
#endif
        cmocka_unit_test(split_rows_are_complete),
        cmocka_unit_test(helpers_confine_themselves),
        cmocka_unit_test(the_host_is_probed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
