/* lint_harness.h: the real assay-lint, jailed as it runs in a slot, and questions to it. */
#ifndef ASSAY_TESTS_LINT_HARNESS_H
#define ASSAY_TESTS_LINT_HARNESS_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/file.h"
#include "verifier/lint.h"
#include "wire.h"

static pid_t child;
static int to_lint, from_lint;
static uint32_t seq;

static void read_all(void *bytes, size_t n)
{
    for (size_t have = 0; have < n;) {
        ssize_t got = read(from_lint, (char *)bytes + have, n - have);
        assert_true(got > 0);
        have += (size_t)got;
    }
}

static void write_all(const void *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t put = write(to_lint, (const char *)bytes + done, n - done);
        assert_true(put > 0);
        done += (size_t)put;
    }
}

static json_t *receive(unsigned type, uint32_t wanted_seq)
{
    struct wire_header head;
    read_all(&head, sizeof head);
    assert_int_equal(head.type, type);
    assert_int_equal(head.version, WIRE_VERSION);
    assert_int_equal(head.seq, wanted_seq);
    char *text = xcalloc(head.len + 1, 1);
    read_all(text, head.len);
    json_t *value = json_loads(text, 0, NULL);
    assert_non_null(value);
    free(text);
    return value;
}

static json_t *ask_job(json_t *job)
{
    char *text = json_dumps(job, JSON_COMPACT);
    assert_non_null(text);
    struct wire_header head = {
        .len = (uint32_t)strlen(text), .version = WIRE_VERSION, .type = WIRE_JOB, .seq = ++seq};
    write_all(&head, sizeof head);
    write_all(text, head.len);
    free(text);
    json_decref(job);
    return receive(WIRE_RESULT, seq);
}

static json_t *ask(struct str text)
{
    json_t *s = json_stringn(text.s, text.len);
    assert_non_null(s);
    return ask_job(json_pack("{s:o, s:n}", "text", s, "entry_point"));
}

/* What the linter has used of the processor: how long it takes depends on who else is at work. */
__attribute__((unused)) static int64_t child_cpu_ns(void)
{
    clockid_t clock;
    assert_int_equal(clock_getcpuclockid(child, &clock), 0);
    return clock_ns(clock);
}

static int start(void **state)
{
    (void)state;
    const char *build = getenv("ASSAY_BUILD");
    char path[PATH_MAX];
    int in[2], out[2];
    snprintf(path, sizeof path, "%s/assay-lint", build ? build : "build/release");
    if (access(path, X_OK) != 0 || pipe(in) != 0 || pipe(out) != 0)
        return -1;
    signal(SIGPIPE, SIG_IGN);
    child = fork();
    if (child == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execl(path, "assay-lint", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    to_lint = in[1];
    from_lint = out[0];
    json_t *hello = receive(WIRE_HELLO, 0);
    int rc = strcmp(json_string_value(json_object_get(hello, "name")), "lint");
    json_decref(hello);
    return rc;
}

static int stop(void **state)
{
    (void)state;
    int status = -1;
    close(to_lint);
    close(from_lint);
    waitpid(child, &status, 0);
    return status; /* it ends by itself, with 0, when its input does */
}

#endif
