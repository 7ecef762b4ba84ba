/* testsum: runs test programs one after another and adds up their TAP.
 *
 * Each program runs in its own process group, with stdout and stderr joined in one pipe and stdin
 * at /dev/null. It has PROGRAM_S seconds; at its end (of either kind) whatever is left of its
 * group is killed. A program that dies, overruns, prints no plan, or prints fewer results than it
 * planned counts as failed for what is missing. cmocka prints a skipped test as "not ok N # SKIP
 * name": a skip is recognised by its directive, not by "ok". */
#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

enum { PROGRAM_S = 600, DRAIN_MS = 200, OUTPUT_BYTES_MAX = 16 << 20 };

struct tally {
    long passed, failed, skipped;
};

static struct tally tally_sum(struct tally a, struct tally b)
{
    return (struct tally){a.passed + b.passed, a.failed + b.failed, a.skipped + b.skipped};
}

/* The line at *at without its newline; advances. False at the end. */
static bool next_line(struct str text, size_t *at, struct str *ret_line)
{
    if (*at >= text.len)
        return false;
    ptrdiff_t end = str_find(text, STR("\n"), *at);
    size_t stop = end < 0 ? text.len : (size_t)end;
    *ret_line = str_make(text.s + *at, stop - *at);
    *at = stop + 1;
    return true;
}

static bool has_skip(struct str line)
{
    ptrdiff_t hash = str_find(line, STR("# "), 0);
    return hash >= 0 && line.len >= (size_t)hash + 6 &&
           strncasecmp(line.s + hash + 2, "skip", 4) == 0;
}

/* Adds up one program's output. `clean`: it ended by itself with status 0. */
static struct tally parse_tap(struct str text, bool clean)
{
    struct tally t = {0};
    long planned = 0;
    bool plan = false;
    struct str line;
    for (size_t at = 0; next_line(text, &at, &line);) {
        if (str_starts(line, STR("1..")) && line.len > 3 && isdigit((unsigned char)line.s[3])) {
            long n = strtol(line.s + 3, NULL, 10);
            planned += n;
            plan = true;
            t.skipped += n == 0 && has_skip(line);
        } else if (str_starts(line, STR("ok ")) || str_starts(line, STR("not ok "))) {
            if (has_skip(line))
                t.skipped++;
            else if (line.s[0] == 'o')
                t.passed++;
            else
                t.failed++;
        }
    }
    long seen = t.passed + t.failed + t.skipped;
    if (seen < planned)
        t.failed += planned - seen;
    else if (!plan || (!clean && t.failed == 0))
        t.failed++;
    return t;
}

static pid_t start(const char *path, int out)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid > 0) {
        setpgid(pid, pid);
        return pid;
    }
    setpgid(0, 0);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0)
        dup2(null, 0);
    dup2(out, 1);
    dup2(out, 2);
    size_t n = strlen(path);
    if (n > 3 && strcmp(path + n - 3, ".sh") == 0)
        execl("/bin/sh", "sh", path, (char *)NULL);
    else
        execl(path, path, (char *)NULL);
    printf("cannot run %s: %s\n", path, strerror(errno));
    fflush(stdout);
    _exit(127);
}

/* Collects output until the program has ended and its pipe is dry or closed. Returns its wait
 * status; -1: overran. */
static int collect(pid_t pid, int fd, struct buf *out)
{
    int64_t end = wall_ns() + (int64_t)PROGRAM_S * NS_PER_S;
    int status = -1;
    for (bool ended = false;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, ended ? DRAIN_MS : 50);
        if (ready > 0) {
            char chunk[65536];
            ssize_t n = read(fd, chunk, sizeof chunk);
            if (n > 0 && out->len < OUTPUT_BYTES_MAX)
                buf_add(out, chunk, (size_t)n);
            if (n <= 0 && ended)
                return status;
            if (n <= 0) {
                struct timespec nap = {.tv_nsec = 2 * NS_PER_MS};
                nanosleep(&nap, NULL);
            }
        } else if (ended) {
            return status; /* a stray child holds the pipe open and says nothing */
        }
        if (!ended && waitpid(pid, &status, WNOHANG) == pid) {
            ended = true;
            kill(-pid, SIGKILL);
            end = wall_ns() + NS_PER_S; /* for what is still in the pipe */
        }
        if (wall_ns() > end) {
            if (ended)
                return status;
            kill(-pid, SIGKILL);
            waitpid(pid, &status, 0);
            return -1;
        }
    }
}

static void show_skips(struct str text)
{
    struct str line;
    for (size_t at = 0; next_line(text, &at, &line);)
        if ((str_starts(line, STR("ok ")) || str_starts(line, STR("not ok "))) && has_skip(line))
            printf("        skipped: %.*s\n", (int)line.len, line.s);
}

/* What a person needs of a failed program: everything it said but the tests that passed. */
static void show_failures(const char *path, struct str text)
{
    struct str line;
    printf("---- %s, without what passed\n", path);
    for (size_t at = 0; next_line(text, &at, &line);)
        if (!str_starts(line, STR("ok ")))
            printf("%.*s\n", (int)line.len, line.s);
    printf("---- end of %s\n", path);
}

static struct tally run_program(const char *path)
{
    int fds[2];
    struct buf out = {0};
    CHECK(pipe2(fds, O_CLOEXEC) == 0);
    fflush(stdout);
    int64_t from = wall_ns();
    pid_t pid = start(path, fds[1]);
    close(fds[1]);
    int status = collect(pid, fds[0], &out);
    close(fds[0]);

    struct tally t = parse_tap(buf_view(&out), status == 0);
    char how[64] = "";
    if (status == -1)
        snprintf(how, sizeof how, "  (killed after %d s)", PROGRAM_S);
    else if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "  (died of signal %d)", WTERMSIG(status));
    else if (WEXITSTATUS(status) && !t.failed)
        snprintf(how, sizeof how, "  (exit status %d)", WEXITSTATUS(status));
    printf("%s %-44s %4ld ok", t.failed ? "FAIL" : "  ok", path, t.passed);
    if (t.failed)
        printf(", %ld failed", t.failed);
    if (t.skipped)
        printf(", %ld skipped", t.skipped);
    printf("  %.1f s%s\n", (double)(wall_ns() - from) / 1e9, how);
    if (t.failed)
        show_failures(path, buf_view(&out));
    else if (t.skipped)
        show_skips(buf_view(&out));
    buf_free(&out);
    return t;
}

int main(int argc, char **argv)
{
    const char *only = NULL;
    int first = 1;
    struct tally total = {0};
    if (argc > 2 && strcmp(argv[1], "--only") == 0) {
        only = argv[2];
        first = 3;
    }
    if (first >= argc) {
        fprintf(stderr, "usage: testsum [--only SUBSTRING] PROGRAM...\n");
        return 2;
    }
    for (int i = first; i < argc; i++)
        if (!only || strstr(argv[i], only))
            total = tally_sum(total, run_program(argv[i]));
    printf("%ld passed, %ld failed, %ld skipped\n", total.passed, total.failed, total.skipped);
    return total.failed || total.passed + total.skipped == 0;
}
