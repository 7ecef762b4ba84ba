/* What each protection of the jail adds to a verdict, in microseconds of CPU and of wall time, as CSV
 * on stdout:
 *   protection,cpu_us,wall_us,added_cpu_us
 *
 * A warm template, as the keeper is one, forks a child that takes one protection, or all, runs a small
 * program and ends; the figure is the child's CPU plus the template's own. What it adds is measured
 * against the same fork with none, taken right before; medians of these differences are printed. The
 * inherited filter is the keeper's and cannot be left out again, so each template serves half of its
 * rounds without it and half with it; several templates are used, since no two lie alike in memory. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "sandbox/confine.h"
#include "sandbox/guest.h"
#include "sandbox/interpreter.h"
#include "sandbox/layout.h"
#include "sandbox/tmp.h"

enum { TEMPLATES = 6, ROUNDS_OF_TEMPLATE = 40, ROUNDS = TEMPLATES * ROUNDS_OF_TEMPLATE };

enum step {
    PLAIN,
    PIDNS,
    SESSION,
    DESCRIPTORS,
    LIMITS,
    CAPABILITIES,
    NO_NEW_PRIVS,
    LANDLOCK,
    FILTER_WHOLE,
    FILTER_INHERITED,
    FILTER_FINAL,
    INSIDE,
    TMP_LOOK,
    TMP_NEW,
    ALL,
    STEPS
};

static const struct {
    const char *name;
    bool filtered; /* taken where the template has the keeper's filter */
} steps[STEPS] = {
    [PLAIN] = {"plain warm fork", false},
    [PIDNS] = {"pid namespace", false},
    [SESSION] = {"session", false},
    [DESCRIPTORS] = {"descriptors", false},
    [LIMITS] = {"resource limits", false},
    [CAPABILITIES] = {"capabilities", false},
    [NO_NEW_PRIVS] = {"no_new_privs", false},
    [LANDLOCK] = {"landlock", false},
    [FILTER_WHOLE] = {"seccomp: one filter a guest (not used)", false},
    [FILTER_INHERITED] = {"seccomp: inherited part", true},
    [FILTER_FINAL] = {"seccomp: the guest's own part", true},
    [INSIDE] = {"isolation found from inside", false},
    [TMP_LOOK] = {"/tmp that was not used", false},
    [TMP_NEW] = {"/tmp that was used", false},
    [ALL] = {"the whole jail", true},
};

struct figure {
    double cpu_us, wall_us;
};

struct template
{
    struct sbx_guest guest;
    struct sbx_filter whole, final;
    struct sbx_tmp tmp;
    int own_pids;
};

static struct template t = {.own_pids = -1};

static void fail(const char *what)
{
    fprintf(stderr, "bench_jail: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- the template ---------------------------------------------------------------------------- */

static void be_nobody_in_namespaces(void)
{
    struct err err = {0};
    if (sbx__become_nobody(&err) < 0 || sbx__enter_namespaces(0, &t.guest.slot, &err) < 0)
        fail(err.text);
    pid_t pid = t.guest.slot & SBX_PIDNS ? fork() : 0;
    if (pid > 0) {
        int status;
        waitpid(pid, &status, 0);
        exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    struct stat root;
    t.own_pids = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    if (stat("/", &root) != 0)
        fail("/");
    t.guest.host_root = root.st_dev;
    if ((t.guest.slot & SBX_MNTNS) && sbx__enter_root(NULL, &t.guest.slot, &err) < 0)
        fail(err.text);
}

static void warm_up(void)
{
    struct err err = {0};
    const struct interpreter_options none = {0};
    int rules;
    sbx__layout_begin();
    if (sbx__no_new_privs() < 0 || sbx__landlock_rules(NULL, NULL, &rules, &err) < 0)
        fail("rules");
    if (rules >= 0) {
        close(rules);
        t.guest.slot |= SBX_LANDLOCK;
    }
    if (sbx__tmp_open((t.guest.slot & SBX_MNTNS) != 0, &t.tmp, &err) < 0 ||
        sbx__landlock_rules(NULL, t.tmp.path, &t.guest.rules, &err) < 0 ||
        interpreter_start(&none, &err) < 0 || guest_prepare() != 0 ||
        sbx_filter_compile(SBX_ROLE_GUEST, SBX_WHOLE, &t.whole, &err) < 0 ||
        sbx_filter_compile(SBX_ROLE_GUEST, SBX_FINAL, &t.final, &err) < 0)
        fail(err.text);
    sbx__layout_end();
    t.guest.folder = t.tmp.path;
    t.guest.filter = &t.final;
    t.guest.limits = (struct sbx_limits){.cpu_us = 2000000,
                                         .memory_kib = 256 << 10,
                                         .file_kib = 16 << 10,
                                         .data_base = 1 << 30,
                                         .threads = 16};
}

static void take_step(enum step step)
{
    uint32_t had;
    bool good = true;
    if (step == SESSION)
        good = setsid() >= 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0;
    else if (step == DESCRIPTORS)
        good = sbx__fds_arrange(t.guest.stdio, t.guest.socket) == 0;
    else if (step == LIMITS)
        good = sbx__limits_apply(&t.guest.limits) == 0;
    else if (step == CAPABILITIES)
        good = sbx__drop_capabilities() == 0;
    else if (step == NO_NEW_PRIVS)
        good = sbx__no_new_privs() == 0;
    else if (step == LANDLOCK)
        good = t.guest.rules < 0 || sbx__landlock_enter(t.guest.rules) == 0;
    else if (step == FILTER_WHOLE)
        good = sbx_filter_install(&t.whole) == 0;
    else if (step == FILTER_FINAL)
        good = sbx_filter_install(&t.final) == 0;
    else if (step == INSIDE)
        (void)sbx__inside(&t.guest);
    else if (step == TMP_NEW)
        good = open("/tmp/used", O_WRONLY | O_CREAT, 0600) >= 0;
    else if (step == ALL)
        good = sbx__confine_guest(&t.guest, &had) == 0;
    if (!good)
        _exit(1);
}

static _Noreturn void be_child(enum step step)
{
    take_step(step);
    PyOS_AfterFork_Child();
    PyRun_SimpleString("def f(xs): return [42] + sorted(xs)\nassert f([3, 1]) == [42, 1, 3]\n");
    _exit(0);
}

static struct figure run_once(enum step step)
{
    const bool alone = (step == PIDNS || step == ALL) && (t.guest.slot & SBX_PIDNS);
    const bool renews = step == TMP_LOOK || step == TMP_NEW || step == ALL;
    const int64_t wall = wall_ns(), cpu = cpu_ns();
    struct rusage used;
    int status;
    PyOS_BeforeFork();
    if (alone && unshare(CLONE_NEWPID) != 0)
        fail("unshare");
    pid_t pid = fork();
    if (pid == 0)
        be_child(step);
    PyOS_AfterFork_Parent();
    if (alone && setns(t.own_pids, CLONE_NEWPID) != 0)
        fail("setns");
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid || status != 0)
        fail(steps[step].name);
    const int renewed = renews ? sbx__tmp_end(&t.tmp) : 0;
    if (renewed < 0)
        fail("/tmp");
    if (renewed && t.guest.rules >= 0) {
        close(t.guest.rules);
        if (sbx__landlock_rules(NULL, t.tmp.path, &t.guest.rules, NULL) < 0)
            fail("rules");
    }
    return (struct figure){
        .cpu_us = (double)(cpu_ns() - cpu) / 1e3 +
                  (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
                  (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec),
        .wall_us = (double)(wall_ns() - wall) / 1e3,
    };
}

static void take_filter(void)
{
    struct sbx_filter own;
    if (sbx_filter_compile(SBX_ROLE_GUEST, SBX_INHERITED, &own, NULL) < 0 ||
        sbx_filter_install(&own) < 0)
        fail("filter");
    sbx_filter_free(&own);
}

static double cpu[STEPS][ROUNDS], wall[STEPS][ROUNDS], added[STEPS][ROUNDS];
static double before[ROUNDS_OF_TEMPLATE]; /* plain forks of this template without the filter */

/* Each step that can be taken now, next to a plain fork. */
static void run_round(bool filtered, int template, int i)
{
    const int round = template * ROUNDS_OF_TEMPLATE + i;
    for (int step = 0; step < STEPS; step++) {
        if (steps[step].filtered != filtered)
            continue;
        const double plain = run_once(PLAIN).cpu_us;
        const struct figure figure = run_once(step == FILTER_INHERITED ? PLAIN : (enum step)step);
        if (i < 0)
            continue;
        if (step == PLAIN)
            before[i] = plain;
        cpu[step][round] = figure.cpu_us;
        wall[step][round] = figure.wall_us;
        added[step][round] = figure.cpu_us - (step == FILTER_INHERITED ? before[i] : plain);
    }
}

/* A template's whole life; its figures go to the parent. */
static _Noreturn void be_template(int number, int out)
{
    int pair[2];
    be_nobody_in_namespaces();
    warm_up();
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        fail("socketpair");
    t.guest.socket = pair[0];
    t.guest.stdio[0] = -1;
    t.guest.stdio[1] = t.guest.stdio[2] = pair[0];
    for (int i = -3; i < ROUNDS_OF_TEMPLATE; i++)
        run_round(false, number, i);
    take_filter();
    for (int i = -3; i < ROUNDS_OF_TEMPLATE; i++)
        run_round(true, number, i);
    for (int step = 0; step < STEPS; step++) {
        const size_t from = (size_t)(number * ROUNDS_OF_TEMPLATE);
        const size_t bytes = ROUNDS_OF_TEMPLATE * sizeof(double);
        if (write(out, cpu[step] + from, bytes) != (ssize_t)bytes ||
            write(out, wall[step] + from, bytes) != (ssize_t)bytes ||
            write(out, added[step] + from, bytes) != (ssize_t)bytes)
            exit(1);
    }
    exit(0);
}

/* ---- the run --------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v)
{
    qsort(v, ROUNDS, sizeof *v, by_value);
    return (v[ROUNDS / 2 - 1] + v[ROUNDS / 2]) / 2;
}

static void take(FILE *from, double *to)
{
    if (fread(to, sizeof *to, ROUNDS_OF_TEMPLATE, from) != ROUNDS_OF_TEMPLATE)
        exit(1);
}

static void run_template(int number)
{
    int pipes[2];
    if (pipe(pipes) != 0)
        fail("pipe");
    pid_t pid = fork();
    if (pid == 0)
        be_template(number, pipes[1]);
    close(pipes[1]);
    FILE *from = fdopen(pipes[0], "r");
    for (int step = 0; step < STEPS; step++) {
        const int round = number * ROUNDS_OF_TEMPLATE;
        take(from, cpu[step] + round);
        take(from, wall[step] + round);
        take(from, added[step] + round);
    }
    fclose(from);
    waitpid(pid, NULL, 0);
}

int main(void)
{
    for (int i = 0; i < TEMPLATES; i++)
        run_template(i);
    puts("protection,cpu_us,wall_us,added_cpu_us");
    for (int step = 0; step < STEPS; step++)
        printf("%s,%.0f,%.0f,%+.0f\n", steps[step].name, median(cpu[step]), median(wall[step]),
               median(added[step]));
    return 0;
}
