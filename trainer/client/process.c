/* process.c: a verifier of our own, for as long as this program needs it.
 *
 * Who runs: `assay-verifier serve --die-with-parent`, named by ASSAY_VERIFIER, or found beside this
 * program, or by way of the `assay` on PATH; as the same user, in its own process group so that a
 * Ctrl-C at the terminal reaches this program alone, which then stops it in order. It listens on a
 * unix socket inside a folder that only this user can enter, which it makes and removes itself: when
 * this program is killed outright, its verifier is told, ends too, and nothing of either is left.
 * Descriptors: stdin and stdout are /dev/null, stderr is appended to the log file (without one, to a
 * file without a name), nothing else is inherited. posix_spawn, because this process has
 * threads. */
#include "trainer/client/process.h"

#include <client.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "trainer/client/http.h"

extern char **environ;

/* In order, a verifier waits for no program that nobody wants any more; but a sanitised one on a
 * busy machine may take seconds to get that far. */
enum { LOG_TAIL_BYTES = 500, STOP_GRACE_MS = 30000, POLL_MS = 20 };
static const double ASK_S = 5;

struct verifier_process {
    pid_t pid; /* 0: gone and reaped */
    int status;
    char dir[64], socket[80], url[88], log[PATH_MAX];
    int log_fd; /* of a log without a name; -1: it has one */
    off_t log_start;
};

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS};
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

/* The `assay` on PATH, which becomes its verifier when it is told to serve. */
static bool find_on_path(char path[PATH_MAX])
{
    const char *dir = getenv("PATH");
    for (; dir && *dir; dir += *dir == ':') {
        int n = (int)strcspn(dir, ":");
        if (n && snprintf(path, PATH_MAX, "%.*s/assay", n, dir) < PATH_MAX &&
            access(path, X_OK) == 0)
            return true;
        dir += n;
    }
    return false;
}

static int find_program(const char *asked, char path[PATH_MAX], struct err *err)
{
    char self[PATH_MAX];
    const char *from_env = getenv("ASSAY_VERIFIER");
    if (asked || (from_env && *from_env)) {
        snprintf(path, PATH_MAX, "%s", asked ? asked : from_env);
        return access(path, X_OK) == 0 ? 0 : err_set(err, -errno, "%s: %s", path, strerror(errno));
    }
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return err_set(err, -errno, "/proc/self/exe: %s", strerror(errno));
    self[n] = 0;
    *strrchr(self, '/') = 0;
    if (snprintf(path, PATH_MAX, "%s/assay-verifier", self) < PATH_MAX && access(path, X_OK) == 0)
        return 0;
    return find_on_path(path) ? 0
                              : err_set(err, -ENOENT,
                                        "assay-verifier is not in %s, `assay` not on PATH, and "
                                        "ASSAY_VERIFIER is not set",
                                        self);
}

/* The log's last lines, on one line. */
static void log_tail(const struct verifier_process *v, char *out, size_t size)
{
    char text[LOG_TAIL_BYTES + 1];
    FILE *f = fopen(v->log, "re");
    out[0] = 0;
    if (!f)
        return;
    fseeko(f, 0, SEEK_END);
    off_t end = ftello(f), from = end - LOG_TAIL_BYTES;
    fseeko(f, from > v->log_start ? from : v->log_start, SEEK_SET);
    size_t n = fread(text, 1, LOG_TAIL_BYTES, f);
    fclose(f);
    while (n && text[n - 1] == '\n')
        n--;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < ' ')
            text[i] = text[i] == '\n' ? '|' : ' ';
    text[n] = 0;
    snprintf(out, size, "%s", text);
}

static int spawn(struct verifier_process *v, const char *program,
                 const struct verifier_process_options *opt, struct err *err)
{
    char slots[16];
    const char **argv = xcalloc((size_t)opt->n_problems * 2 + 14, sizeof *argv);
    int n = 0;
    snprintf(slots, sizeof slots, "%d", opt->slots);
    argv[n++] = program;
    argv[n++] = "serve";
    argv[n++] = "--die-with-parent";
    argv[n++] = "--listen";
    argv[n++] = v->url;
    if (opt->slots) {
        argv[n++] = "-j";
        argv[n++] = slots;
    }
    if (opt->no_timing)
        argv[n++] = "--no-timing";
    if (opt->config) {
        argv[n++] = "--config";
        argv[n++] = opt->config;
    }
    for (int i = 0; i < opt->n_problems; i++) {
        argv[n++] = "-p";
        argv[n++] = opt->problems[i];
    }
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, v->log, O_WRONLY | O_CREAT | O_APPEND,
                                     0666);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    int code = posix_spawn(&v->pid, program, &files, &attr, (char *const *)argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    free(argv);
    if (code) {
        v->pid = 0;
        return err_set(err, -code, "%s: %s", program, strerror(code));
    }
    return 0;
}

int verifier_process_check(struct verifier_process *v, struct err *err)
{
    char tail[LOG_TAIL_BYTES + 1];
    if (v->pid && waitpid(v->pid, &v->status, WNOHANG) == v->pid)
        v->pid = 0;
    if (v->pid)
        return 0;
    log_tail(v, tail, sizeof tail);
    if (WIFSIGNALED(v->status))
        return err_set(err, -ECHILD, "the verifier was killed by signal %d: %s",
                       WTERMSIG(v->status), tail);
    return err_set(err, -ECHILD, "the verifier ended with status %d: %s", WEXITSTATUS(v->status),
                   tail);
}

static int wait_ready(struct verifier_process *v, double ready_s, struct err *err)
{
    struct http_address at;
    struct curl_slist *headers = http_headers(NULL);
    char tail[LOG_TAIL_BYTES + 1];
    double until = wall_s() + ready_s;
    json_t *health = NULL;
    int rc = http_address(v->url, &at, err);
    while (rc == 0 && (rc = verifier_process_check(v, err)) == 0 &&
           http_get(&at, headers, ASSAY_HEALTH_PATH, ASK_S, &health, NULL) < 0) {
        if (wall_s() > until) {
            log_tail(v, tail, sizeof tail);
            rc = err_set(err, -ETIMEDOUT, "the verifier is not ready after %.0f s: %s", ready_s,
                         tail);
        } else {
            pause_ms(POLL_MS);
        }
    }
    json_decref(health);
    curl_slist_free_all(headers);
    http_address_free(&at);
    return rc;
}

int verifier_process_log(char ret_path[VERIFIER_LOG_PATH], int *ret_fd, struct err *err)
{
    const char *folder = getenv("TMPDIR");
    int fd = open(folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        fd = memfd_create("verifier.log", MFD_CLOEXEC);
    if (fd < 0)
        return err_set(err, -errno, "no file for the verifier's messages: %s", strerror(errno));
    snprintf(ret_path, VERIFIER_LOG_PATH, "/proc/self/fd/%d", fd);
    *ret_fd = fd;
    return 0;
}

int verifier_process_start(const struct verifier_process_options *opt,
                           struct verifier_process **ret, struct err *err)
{
    char program[PATH_MAX];
    struct stat st;
    TRY(find_program(opt->program, program, err));
    struct verifier_process *v = xcalloc(1, sizeof *v);
    v->log_fd = -1;
    if (opt->log) {
        snprintf(v->log, sizeof v->log, "%s", opt->log);
    } else {
        int rc = verifier_process_log(v->log, &v->log_fd, err);
        if (rc < 0) {
            free(v);
            return rc;
        }
    }
    v->log_start = stat(v->log, &st) == 0 ? st.st_size : 0;
    uint64_t secret;
    CHECK(getrandom(&secret, sizeof secret, 0) == (ssize_t)sizeof secret);
    snprintf(v->dir, sizeof v->dir, "/tmp/assay-client-%d-%016" PRIx64, (int)getpid(), secret);
    snprintf(v->socket, sizeof v->socket, "%s/verifier.sock", v->dir);
    snprintf(v->url, sizeof v->url, "unix:%s", v->socket);
    int rc = spawn(v, program, opt, err);
    if (rc == 0)
        rc = wait_ready(v, opt->ready_s > 0 ? opt->ready_s : 120, err);
    if (rc < 0)
        verifier_process_stop(v);
    else
        *ret = v;
    return rc;
}

const char *verifier_process_url(const struct verifier_process *v)
{
    return v->url;
}

void verifier_process_stop(struct verifier_process *v)
{
    if (!v)
        return;
    if (v->pid)
        kill(v->pid, SIGTERM);
    for (int waited = 0; v->pid && waited < STOP_GRACE_MS; waited += POLL_MS) {
        if (waitpid(v->pid, &v->status, WNOHANG) == v->pid)
            v->pid = 0;
        else
            pause_ms(POLL_MS);
    }
    if (v->pid) {
        kill(v->pid, SIGKILL);
        waitpid(v->pid, &v->status, 0);
    }
    if (v->log_fd >= 0)
        close(v->log_fd);
    unlink(v->socket);
    rmdir(v->dir);
    free(v);
}
