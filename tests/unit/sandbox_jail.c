/* The jail on any host: what one guest leaves, the next does not find; nothing of a guest outlives
 * it; whatever state the starter is in, and whatever the host refuses, the floor holds and the
 * isolation that a guest reports is what it has. */
#include "sandbox_harness.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../e2e/refuse.h"
#include "base/check.h"
#include "sandbox/confine.h"

#define REFUSED "raises PermissionError(1, 'Operation not permitted')"

static int open_all(void **state)
{
    (void)state;
    start_python();
    return 0;
}

static struct slot start_with(const char *without, void (*prepare)(void))
{
    slot_prepare = prepare;
    struct slot slot = slot_start(without);
    slot_prepare = NULL;
    return slot;
}

/* The program's answer() as text. */
static void ask(struct slot *slot, const char *program, char *to, size_t n)
{
    struct run run = run_start(slot, (struct keeper_fork){LIMITS_OF_TESTS});
    const char *loaded = run_load(&run, program, 0);
    if (strcmp(loaded, "None") != 0)
        fail_msg("%s", loaded);
    snprintf(to, n, "%s", run_call(&run, "answer", "()"));
    run_end(&run);
}

static void still_works(struct slot *slot)
{
    assert_string_equal(run_once(slot, "x = sum(range(10))\n", NULL), "None");
}

/* ---- fresh for each guest -------------------------------------------------------------------- */

/* All that a guest can see of its surroundings. */
static const char report[] =
    "import os, fcntl, resource, signal, tempfile\n"
    "def answer():\n"
    "    here = os.getcwd()\n"
    "    st, room = os.stat(here), os.statvfs(here)\n"
    "    seen = [here, os.listdir(here), oct(st.st_mode), st.st_uid, st.st_nlink, st.st_atime_ns,\n"
    "            st.st_mtime_ns, sorted(os.environ.items()), os.umask(0), os.getpriority(0, 0)]\n"
    "    if here == '/tmp':\n"
    "        seen += [st.st_size, room.f_bfree, room.f_ffree]\n"
    "        open('first', 'w').close()\n"
    "        seen.append(os.stat('first').st_ino)\n"
    "    for fd in range(64):\n"
    "        try:\n"
    "            seen.append((fd, fcntl.fcntl(fd, fcntl.F_GETFL), fcntl.fcntl(fd, "
    "fcntl.F_GETFD)))\n"
    "        except OSError:\n"
    "            pass\n"
    "    for fd in range(3):\n"
    "        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    "    seen += [signal.getitimer(0), signal.pthread_sigmask(0, []), signal.sigpending()]\n"
    "    seen += [resource.getrlimit(n) for n in range(16)]\n"
    "    for path in ('/dev/shm', '/var/tmp', '/run', '/proc', '/sys', '/home'):\n"
    "        try:\n"
    "            seen.append(os.listdir(path))\n"
    "        except OSError as e:\n"
    "            seen.append((path, e.errno))\n"
    "    return repr(seen)\n";

/* A guest that leaves a message wherever it can, and tells how often it could not. */
static const char litter[] =
    "import os, fcntl, ctypes, socket, signal, resource\n"
    "libc = ctypes.CDLL(None, use_errno=True)\n"
    "def attempt(f, *a):\n"
    "    try:\n"
    "        return f(*a)\n"
    "    except Exception:\n"
    "        return None\n"
    "def answer():\n"
    "    os.umask(0o123)\n"
    "    for folder in ('.', '/tmp', '/dev/shm', '/var/tmp', '/'):\n"
    "        attempt(lambda: open(folder + '/note', 'w').write('hello'))\n"
    "        attempt(os.mkdir, folder + '/a')\n"
    "        attempt(os.utime, folder, (1, 12345))\n"
    "    attempt(os.mkdir, 'closed'), attempt(open, 'closed/f', 'w'), attempt(os.chmod, 'closed', "
    "0)\n"
    "    attempt(os.symlink, '/usr/lib', 'link')\n"
    "    here = attempt(os.open, '.', os.O_RDONLY)\n"
    "    for n in range(40):\n"
    "        attempt(os.mkdir, 'd' * 200), attempt(os.chdir, 'd' * 200)\n"
    "    attempt(lambda: open('deep', 'w').write('y'))\n"
    "    attempt(os.fchdir, here)\n"
    "    attempt(os.chmod, '.', 0)\n"
    "    for fd in (0, 1, 2, 3):\n"
    "        attempt(fcntl.fcntl, fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND)\n"
    "        attempt(fcntl.flock, fd, fcntl.LOCK_EX)\n"
    "    fcntl.fcntl(3, fcntl.F_SETFL, os.O_RDWR)\n"
    "    libc.shmget(77, 4096, 0o1666), libc.semget(77, 1, 0o1666), libc.msgget(77, 0o1666)\n"
    "    attempt(lambda: socket.socket(socket.AF_UNIX).bind('\\0note'))\n"
    "    attempt(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', "
    "'\\0note'))\n"
    "    attempt(os.setpriority, os.PRIO_USER, 0, 19)\n"
    "    attempt(resource.prlimit, os.getppid(), resource.RLIMIT_CORE, (0, 0))\n"
    "    signal.setitimer(signal.ITIMER_REAL, 50)\n"
    "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
    "    os.kill(os.getpid(), signal.SIGUSR1)\n"
    "    os.environ['NOTE'] = 'x'; libc.putenv(b'NOTE=x')\n"
    "    return 'done'\n";

static void what_one_leaves_the_next_does_not_find(void **state)
{
    static const char *const modes[] = {NULL, "mntns", "userns", "userns,landlock"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        static char first[4096], later[4096], said[4096];
        struct slot slot = start_with(modes[i], NULL);
        ask(&slot, report, first, sizeof first);
        for (int n = 0; n < 2; n++) {
            ask(&slot, litter, said, sizeof said);
            assert_string_equal(said, "'done'");
            ask(&slot, report, later, sizeof later);
            assert_string_equal(first, later);
        }
        slot_stop(&slot);
    }
}

static void temporary_files_work(void **state)
{
    static const char *const modes[] = {NULL, "mntns", "userns", "landlock"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        struct slot slot = start_with(modes[i], NULL);
        assert_string_equal(
            run_once(&slot,
                     "import tempfile, os, shutil\n"
                     "with tempfile.TemporaryDirectory() as d:\n"
                     "    p = os.path.join(d, 'f'); open(p, 'w').write('hi')\n"
                     "    shutil.copy(p, os.path.join(d, 'h')); os.mkdir(os.path.join(d, 'x'))\n"
                     "    os.rename(p, os.path.join(tempfile.gettempdir(), 'g'))\n"
                     "    assert open(os.path.join(tempfile.gettempdir(), 'g')).read() == 'hi'\n"
                     "open('here', 'w').write('x')\n"
                     "with tempfile.NamedTemporaryFile() as f: f.write(b'x'); f.flush()\n",
                     NULL),
            "None");
        slot_stop(&slot);
    }
}

/* A full tmpfs is an error inside; a full folder on the host's disk ends the program. */
static void disks_do_not_fill(void **state)
{
    (void)state;
    struct keeper_exited e;
    const char *fill = "for n in range(40):\n    open(f'{n}', 'wb').write(bytes(7 << 20))\n";
    const char *many = "import time\nfor n in range(9000):\n    open(f'{n}', 'wb').close()\n"
                       "time.sleep(9)\n"; /* until somebody looks */
    const char *full = "raises OSError(28, 'No space left on device')";
    struct slot slot = start_with(NULL, NULL);
    if (slot.isolation & SBX_MNTNS) {
        assert_string_equal(run_once(&slot, fill, NULL), full);
        assert_string_equal(run_once(&slot, many, NULL), full);
    }
    slot_stop(&slot);
    slot = start_with("mntns", NULL);
    if (slot.isolation & SBX_LANDLOCK) {
        assert_string_equal(run_once(&slot, fill, &e), "end of stream");
        assert_int_equal(e.cause, KEEPER_BY_DISK);
        assert_string_equal(run_once(&slot, many, &e), "end of stream");
        assert_int_equal(e.cause, KEEPER_BY_DISK);
        assert_non_null(strstr(run_once(&slot, "open('x', 'wb').write(bytes(9 << 20))\n", NULL),
                               "raises OSError(27"));
    }
    slot_stop(&slot);
}

/* A file of the guest's own user, in the host's /tmp. */
static void files_of_the_host_stay_as_they_are(void **state)
{
    static const char *const modes[] = {NULL, "mntns", "userns", "userns,landlock"};
    char path[64] = "/tmp/assay-test-XXXXXX", program[1024];
    struct stat before, after;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "host", 4), 4);
    assert_int_equal(fchmod(fd, 0666), 0);
    if (geteuid() == 0)
        assert_int_equal(fchown(fd, SBX_NOBODY, SBX_NOBODY), 0);
    assert_int_equal(fstat(fd, &before), 0);
    snprintf(program, sizeof program,
             "import os\np = '%s'\n"
             "def attempt(f, *a):\n"
             "    try: f(*a)\n"
             "    except OSError: pass\n"
             "for f in (os.unlink, os.rmdir, lambda p: os.chmod(p, 0o777), os.utime, open,\n"
             "          lambda p: os.truncate(p, 0), lambda p: open(p, 'w'),\n"
             "          lambda p: os.rename(p, p + 'x'), lambda p: os.link(p, 'mine'),\n"
             "          lambda p: os.chown(p, 0, 0), lambda p: os.setxattr(p, 'user.x', b'x')):\n"
             "    attempt(f, p)\n"
             "try: print(open(p).read()); raise SystemError('read')\n"
             "except OSError: pass\n",
             path);
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        struct slot slot = start_with(modes[i], NULL);
        assert_string_equal(run_once(&slot, program, NULL), "None");
        assert_int_equal(stat(path, &after), 0);
        assert_int_equal(after.st_size, 4);
        assert_int_equal(after.st_mode, before.st_mode);
        assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
        assert_int_equal(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
        slot_stop(&slot);
    }
    close(fd);
    unlink(path);
}

/* The folder on the host's disk goes with its guest, or with the next keeper's start. */
static void folders_go_away(void **state)
{
    (void)state;
    char path[256];
    struct slot slot = start_with("userns", NULL);
    if (!(slot.isolation & SBX_LANDLOCK)) {
        slot_stop(&slot);
        skip();
    }
    struct run run = run_start(&slot, (struct keeper_fork){LIMITS_OF_TESTS});
    run_load(&run, "import os\ndef f(): return os.getcwd()\nopen('x', 'w').close()\n", 0);
    const char *said = run_call(&run, "f", "()");
    snprintf(path, sizeof path, "%.*s", (int)strlen(said) - 2, said + 1);
    assert_int_equal(access(path, F_OK), 0);
    run_end(&run);
    /* It goes after the report; a keeper that answers again is done with it. */
    struct keeper_failed answer;
    slot_send(&slot, 99, 0);
    assert_true(wait_for(slot.fd));
    assert_int_equal(recv(slot.fd, &answer, sizeof answer, 0), sizeof answer);
    assert_int_equal(access(path, F_OK), -1);
    run = run_start(&slot, (struct keeper_fork){LIMITS_OF_TESTS});
    assert_int_equal(access(path, F_OK), 0);
    kill(slot.pid, SIGKILL);
    waitpid(slot.pid, NULL, 0);
    close(slot.fd);
    close(run.socket);
    close(run.out);
    assert_int_equal(access(path, F_OK), 0);
    const struct timespec old[2] = {{1, 0}, {1, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    slot = start_with("userns", NULL);
    assert_int_equal(access(path, F_OK), -1);
    slot_stop(&slot);
}

/* ---- no survivor ----------------------------------------------------------------------------- */

/* Processes below `pid`, itself not counted. */
static int descendants(pid_t pid)
{
    char path[64];
    int child, n = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *children = fopen(path, "r");
    while (children && fscanf(children, "%d", &child) == 1)
        n += 1 + descendants(child);
    if (children)
        fclose(children);
    return n;
}

static void nothing_outlives_a_guest(void **state)
{
    (void)state;
    static const char *const tricks[] = {
        "import os\nfor f in (os.fork, os.forkpty):\n    try: f()\n    except OSError: pass\n",
        "import ctypes\nl = ctypes.CDLL(None)\nl.vfork(); l.fork(); l.syscall(435, 0, 0)\n",
        "import ctypes, os\nl = ctypes.CDLL(None)\nl.setsid(); l.daemon(0, 0); l.prctl(1, 0)\n",
        "import ctypes\nl = ctypes.CDLL(None)\nl.prctl(36, 1, 0, 0, 0); l.fork()\n",
        "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\n",
        "import os, signal\nos.kill(os.getpid(), signal.SIGTSTP)\nraise SystemExit\n",
        "import signal, threading, time\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n"
        "for _ in range(8): threading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n"
        "time.sleep(99)\n",
        "import os\nfor n in (-1, 0, 1, os.getppid()):\n    try: os.kill(n, 9)\n"
        "    except OSError: pass\nos.abort()\n",
        "import subprocess\nsubprocess.Popen(['/bin/sleep', '99'])\n",
        "import multiprocessing as m\nm.Process(target=print).start()\n",
        "import ctypes\nl = ctypes.CDLL(None)\nl.syscall(56, 0x100 | 17, 0, 0, 0, 0)\n",
        "import ctypes\nl = ctypes.CDLL(None)\nl.unshare(0x10000000); l.syscall(101, 0, 0, 0, 0)\n",
    };
    static const char *const modes[] = {NULL, "pidns", "userns"};
    for (size_t m = 0; m < COUNT_OF(modes); m++) {
        struct slot slot = start_with(modes[m], NULL);
        const int alone = descendants(slot.pid);
        for (size_t i = 0; i < COUNT_OF(tricks); i++) {
            struct keeper_fork order = {LIMITS_OF_TESTS};
            order.wall_us = 150000;
            struct run run = run_start(&slot, order);
            run_load(&run, tricks[i], 0);
            run_end(&run);
            assert_int_equal(descendants(slot.pid), alone);
            still_works(&slot);
        }
        slot_stop(&slot);
    }
}

/* ---- a strange starter ----------------------------------------------------------------------- */

static void cap_resource(int resource, rlim_t soft, rlim_t hard)
{
    const struct rlimit limit = {soft, hard};
    setrlimit(resource, &limit);
}

static void signals_ignored(void)
{
    for (int n = 1; n < 32; n++)
        signal(n, SIG_IGN);
}

static void signals_blocked(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
}

static void streams_closed(void)
{
    close(0);
    close(1);
    close(2);
}

static void folder_gone_and_mask(void)
{
    char path[] = "/tmp/assay-gone-XXXXXX";
    if (!mkdtemp(path) || chdir(path) != 0)
        _exit(99);
    rmdir(path);
    umask(0777);
}

static void small_soft_limits(void)
{
    cap_resource(RLIMIT_NOFILE, 8, 4096);
    cap_resource(RLIMIT_FSIZE, 0, RLIM_INFINITY);
    cap_resource(RLIMIT_CPU, 1, RLIM_INFINITY);
    cap_resource(RLIMIT_DATA, 64 << 20, RLIM_INFINITY);
    cap_resource(RLIMIT_STACK, 1 << 20, RLIM_INFINITY);
}

static void small_hard_limits(void)
{
    cap_resource(RLIMIT_NOFILE, 128, 128);
    cap_resource(RLIMIT_CORE, 0, 0);
    cap_resource(RLIMIT_SIGPENDING, 10, 10);
    cap_resource(RLIMIT_MEMLOCK, 0, 0);
    cap_resource(RLIMIT_STACK, 8 << 20, 8 << 20);
    cap_resource(RLIMIT_FSIZE, 32 << 20, 32 << 20);
}

static void misleading_environment(void)
{
    static const char *const names[] = {"PYTHONHOME",
                                        "PYTHONPATH",
                                        "PYTHONSTARTUP",
                                        "LD_LIBRARY_PATH",
                                        "PYTHONINSPECT",
                                        "PYTHONMALLOC",
                                        "PYTHONHASHSEED",
                                        "TMPDIR",
                                        "HOME",
                                        "LC_ALL",
                                        "TZ",
                                        "LD_PRELOAD",
                                        "MALLOC_PERTURB_"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        setenv(names[i], strcmp(names[i], "LD_PRELOAD") == 0 ? "libm.so.6" : "/nowhere", 1);
}

static void the_starter_does_not_matter(void **state)
{
    (void)state;
    static void (*const starters[])(void) = {
        signals_ignored,   signals_blocked,   streams_closed,        folder_gone_and_mask,
        small_soft_limits, small_hard_limits, misleading_environment};
    static const char *const modes[] = {NULL, "userns"};
    for (size_t i = 0; i < COUNT_OF(starters) * COUNT_OF(modes); i++) {
        struct slot slot = start_with(modes[i % COUNT_OF(modes)], starters[i / COUNT_OF(modes)]);
        char said[256];
        ask(&slot,
            "import os, signal, tempfile, sys, time\n"
            "def answer():\n"
            "    open('x', 'w').write('hi'); assert open('x').read() == 'hi'\n"
            "    os.mkdir('sub', 0o755); os.listdir('sub')\n"
            "    assert os.path.dirname(tempfile.mkstemp()[1]) == os.getcwd()\n"
            "    assert not any(n.startswith(('PYTHON', 'LD_')) for n in os.environ)\n"
            "    assert time.tzname == ('UTC', 'UTC') and hash('a') == hash('a')\n"
            "    r, w = os.pipe(); os.close(r)\n"
            "    try: os.write(w, b'x')\n"
            "    except BrokenPipeError: pass\n"
            "    return signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL, "
            "len(signal.pthread_sigmask(0, [])), sys.version_info[0]\n",
            said, sizeof said);
        assert_string_equal(said, "(True, 0, 3)");
        assert_int_equal(getsid(slot.pid), slot.pid); /* no terminal's signals reach it */
        slot_stop(&slot);
    }
}

/* Too little to work with is an error at once, not a fault per verdict. */
static void hopeless_limits(void)
{
    cap_resource(RLIMIT_NOFILE, 16, 16);
    streams_closed();
}

static void too_little_is_said_at_the_start(void **state)
{
    (void)state;
    int pair[2], status;
    char byte;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    const char *build = getenv("ASSAY_BUILD");
    char path[512];
    snprintf(path, sizeof path, "%s/assay-keeper", build ? build : "build/release");
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pair[1], 3);
        hopeless_limits();
        execl(path, path, (char *)NULL);
        _exit(127);
    }
    close(pair[1]);
    assert_int_equal(recv(pair[0], &byte, 1, 0), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 1);
    close(pair[0]);
}

/* ---- what a guest says it has ---------------------------------------------------------------- */

static void each_feature_can_be_missing(void **state)
{
    static const char *const modes[] = {"userns",         "pidns",          "netns",    "ipcns",
                                        "mntns",          "utsns",          "landlock", "cgroup",
                                        "mntns,landlock", "userns,landlock"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        struct slot slot = start_with(modes[i], NULL);
        for (int bit = 0; sbx_isolation_name(bit); bit++)
            if (strstr(modes[i], sbx_isolation_name(bit)))
                assert_false(slot.isolation & 1u << bit);
        /* run_start compares the guest's own findings with the slot's. */
        still_works(&slot);
        assert_string_equal(run_once(&slot, "import os\nos.kill(0, 9)\n", NULL), REFUSED);
        assert_string_equal(run_once(&slot, "import os\nos.kill(os.getppid(), 9)\n", NULL),
                            REFUSED);
        assert_string_equal(run_once(&slot, "import socket\nsocket.socket()\n", NULL), REFUSED);
        assert_string_equal(run_once(&slot, "import os\nos.kill(os.getpid(), 0)\n", NULL), "None");
        assert_string_equal(run_once(&slot,
                                     "import asyncio, threading, sqlite3, csv, unittest.mock\n"
                                     "async def f(): await asyncio.sleep(0.001); return 3\n"
                                     "assert asyncio.run(f()) == 3\n"
                                     "t = threading.Thread(target=print); t.start(); t.join()\n",
                                     NULL),
                            "None");
        slot_stop(&slot);
    }
}

/* An unconfined process that was promised everything finds that it has nothing. */
static void promises_are_checked(void **state)
{
    (void)state;
    struct stat root;
    assert_int_equal(stat("/", &root), 0);
    pid_t pid = fork();
    if (pid == 0) {
        const struct sbx_guest promised = {
            .slot = ~0u,
            .host_root = root.st_dev,
            .limits = {
                .cpu_us = 1000000, .memory_kib = 1 << 20, .file_kib = 1 << 10, .threads = 4}};
        const uint32_t asked =
            SBX_PIDNS | SBX_MNTNS | SBX_UTSNS | SBX_LANDLOCK | SBX_SECCOMP | SBX_RLIMIT | SBX_NNP;
        const bool nnp = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
        _exit((sbx__inside(&promised) & asked & ~(nnp ? SBX_NNP : 0u)) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* ---- hosts that refuse ----------------------------------------------------------------------- */

static void without_userns(void)
{
    if (refuse("userns") < 0)
        _exit(99);
}

static void without_any_namespace(void)
{
    if (refuse("namespaces") < 0)
        _exit(99);
}

static void without_mounts(void)
{
    if (refuse("mount") < 0)
        _exit(99);
}

static void without_landlock(void)
{
    if (refuse("landlock") < 0)
        _exit(99);
}

static void without_anything(void)
{
    if (refuse("namespaces,mount,landlock") < 0)
        _exit(99);
}

static void as_a_user(void)
{
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(65432, 65432, 65432) != 0 ||
                           setresuid(65432, 65432, 65432) != 0))
        _exit(99);
}

static void as_a_user_without_userns(void)
{
    as_a_user();
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    without_userns();
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        _exit(98);
    close(fd);
}

/* The root of a container of an ordinary user: its user map has one entry, a filter is on already,
 * and nothing can be gained by an exec. */
static void as_root_of_a_small_container(void)
{
    char map[32];
    as_a_user();
    snprintf(map, sizeof map, "0 %d 1", (int)geteuid());
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (unshare(CLONE_NEWUSER) != 0)
        _exit(99);
    put("/proc/self/setgroups", "deny");
    put("/proc/self/uid_map", map);
    put("/proc/self/gid_map", map);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* The same as container engines make it: no capability to administer, no mounts. */
static void as_root_of_a_closed_container(void)
{
    as_root_of_a_small_container();
    for (unsigned long cap = 0; cap < 64; cap++)
        prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    if (sbx__drop_capabilities() < 0 || refuse("namespaces,mount") < 0)
        _exit(99);
}

static void the_floor_holds_on_any_host(void **state)
{
    (void)state;
    static const struct {
        void (*host)(void);
        uint32_t lacks;
    } hosts[] = {
        {without_userns, SBX_USERNS | SBX_PIDNS | SBX_MNTNS},
        {without_any_namespace, SBX_USERNS | SBX_PIDNS | SBX_MNTNS},
        {without_mounts, SBX_MNTNS},
        {without_landlock, SBX_LANDLOCK},
        {without_anything, SBX_USERNS | SBX_PIDNS | SBX_MNTNS | SBX_LANDLOCK},
        {as_a_user, 0},
        {as_a_user_without_userns, SBX_USERNS | SBX_PIDNS | SBX_MNTNS},
        {as_root_of_a_small_container, 0},
        {as_root_of_a_closed_container, SBX_USERNS | SBX_PIDNS | SBX_MNTNS},
    };
    slot_copy();
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        struct slot slot = start_with(NULL, hosts[i].host);
        assert_int_equal(slot.isolation & hosts[i].lacks, 0);
        for (int n = 0; n < 2; n++) {
            still_works(&slot);
            assert_string_equal(run_once(&slot, "import os\nos.kill(-1, 9)\n", NULL), REFUSED);
            assert_string_equal(run_once(&slot, "import socket\nsocket.socket()\n", NULL), REFUSED);
            assert_non_null(
                strstr(run_once(&slot, "open('/etc/passwd').read()\n", NULL), "raises "));
            assert_non_null(
                strstr(run_once(&slot, "open('/proc/self/status').read()\n", NULL), "raises "));
            assert_non_null(
                strstr(run_once(&slot, "open('/usr/lib/python3.11/x', 'w')\n", NULL), "raises "));
            if (slot.isolation & (SBX_MNTNS | SBX_LANDLOCK))
                assert_string_equal(run_once(&slot, "open('x', 'w').write('x')\n", NULL), "None");
        }
        slot_stop(&slot);
    }
    slot_copy_end();
}

/* ---- control groups -------------------------------------------------------------------------- */

#define PIDS_ROOT "/sys/fs/cgroup/pids"

static char group_path[48];

static void in_a_delegated_group(void)
{
    char procs[128];
    snprintf(procs, sizeof procs, "%s/cgroup.procs", group_path);
    put(procs, "0");
    as_a_user();
}

/* The number in a file of the one slot's group, 0 when there is none. */
static long cap_of_slot(void)
{
    char command[128];
    long cap = 0;
    snprintf(command, sizeof command, "cat %s/assay-slot-*/pids.max 2>/dev/null", group_path);
    FILE *from = popen(command, "r");
    if (from && fscanf(from, "%ld", &cap) != 1)
        cap = 0;
    if (from)
        pclose(from);
    return cap;
}

static int groups_left(void)
{
    struct stat st;
    return stat(group_path, &st) == 0 ? (int)st.st_nlink - 2 : -1;
}

/* A group of version 1 given to an ordinary user. Only where this process is in the root group of
 * that hierarchy: other groups have managers. */
static void a_delegated_group_is_used(void **state)
{
    (void)state;
    char program[64] = "";
    FILE *own = popen("grep -c ':pids:/$' /proc/self/cgroup", "r");
    const bool in_root = own && fgets(program, sizeof program, own) && program[0] == '1';
    if (own)
        pclose(own);
    snprintf(group_path, sizeof group_path, PIDS_ROOT "/assay-test-%d", (int)getpid());
    if (geteuid() != 0 || !in_root || mkdir(group_path, 0755) != 0) {
        print_message("# needs root, and the root group of " PIDS_ROOT "\n");
        skip();
    }
    assert_int_equal(chown(group_path, 65432, 65432), 0);
    slot_copy();
    for (int i = 0; i < 2; i++) {
        struct slot slot = start_with(NULL, in_a_delegated_group);
        assert_true(slot.isolation & SBX_CGROUP);
        still_works(&slot);
        assert_in_range(cap_of_slot(), 17, 64);
        assert_int_equal(groups_left(), 1); /* the one that the first slot left is gone */
        slot_stop(&slot);
    }
    slot_copy_end();
    char command[128];
    snprintf(command, sizeof command, "rmdir %s/assay-slot-* %s", group_path, group_path);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_leaves_the_next_does_not_find),
        cmocka_unit_test(temporary_files_work),
        cmocka_unit_test(disks_do_not_fill),
        cmocka_unit_test(files_of_the_host_stay_as_they_are),
        cmocka_unit_test(folders_go_away),
        cmocka_unit_test(nothing_outlives_a_guest),
        cmocka_unit_test(the_starter_does_not_matter),
        cmocka_unit_test(too_little_is_said_at_the_start),
        cmocka_unit_test(each_feature_can_be_missing),
        cmocka_unit_test(promises_are_checked),
        cmocka_unit_test(the_floor_holds_on_any_host),
        cmocka_unit_test(a_delegated_group_is_used),
    };
    return cmocka_run_group_tests(tests, open_all, NULL);
}
