/* judge_harness.h: a slot for tests: the real judge and its real keeper, and one line a program. */
#ifndef TESTS_JUDGE_HARNESS_H
#define TESTS_JUDGE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "verifier/judge.h"
#include "wire.h"

enum { HANG_S = 500 }; /* no test takes so long, on any host */

/* ---- a slot ---------------------------------------------------------------------------------- */

static struct {
    pid_t judge, keeper;
    int to, from;
    uint32_t seq;
    int suites;
    int slept, woke; /* how often the judge said so (WIRE_ASLEEP) */
} slot;

static inline const char *program_path(const char *name)
{
    static char path[512];
    const char *build = getenv("ASSAY_BUILD");
    snprintf(path, sizeof path, "%s/%s", build ? build : "build/release", name);
    return path;
}

static inline pid_t spawn(const char *name, int in, int out, int three)
{
    const char *path = program_path(name);
    pid_t pid = fork();
    if (pid == 0) {
        if (three == 3 ? fcntl(3, F_SETFD, 0) < 0 : dup2(three, 3) < 0)
            _exit(127);
        if ((in >= 0 && dup2(in, 0) < 0) || (out >= 0 && dup2(out, 1) < 0))
            _exit(127);
        close_range(4, ~0u, 0);
        execl(path, path, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static inline void read_all(void *to, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = read(slot.from, (char *)to + at, n - at);
        assert_true(got > 0);
        at += (size_t)got;
    }
}

static inline json_t *receive(uint32_t seq, uint8_t type)
{
    for (;;) {
        struct wire_header h;
        read_all(&h, sizeof h);
        assert_int_equal(h.version, WIRE_VERSION);
        assert_int_equal(h.seq, seq);
        char *text = xrealloc(NULL, h.len + 1u, 1);
        read_all(text, h.len);
        json_t *json = json_loadb(text, h.len, JSON_ALLOW_NUL, NULL);
        free(text);
        assert_non_null(json);
        if (h.type == type)
            return json;
        assert_int_equal(h.type, WIRE_ASLEEP);
        const json_t *asleep = json_object_get(json, "asleep");
        assert_true(json_is_boolean(asleep));
        slot.slept += json_is_true(asleep);
        slot.woke += json_is_false(asleep);
        json_decref(json);
    }
}

static inline uint32_t submit(uint8_t type, json_t *json)
{
    char *text = json_dumps(json, 0);
    struct wire_header h = {(uint32_t)strlen(text), WIRE_VERSION, type, 0, ++slot.seq};
    assert_int_equal(write(slot.to, &h, sizeof h), sizeof h);
    for (size_t at = 0; at < h.len;) {
        ssize_t n = write(slot.to, text + at, h.len - at);
        assert_true(n > 0);
        at += (size_t)n;
    }
    free(text);
    json_decref(json);
    return slot.seq;
}

static inline json_t *job(json_t *request)
{
    return receive(submit(WIRE_JOB, request), WIRE_RESULT);
}

static inline int slot_start(void **state)
{
    int pair[2], in[2], out[2];
    (void)state;
    if (access(program_path("assay-judge"), X_OK) != 0 ||
        access(program_path("assay-keeper"), X_OK) != 0)
        return -1;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(pipe(in) | pipe(out), 0);
    slot.keeper = spawn("assay-keeper", -1, -1, pair[1]);
    slot.judge = spawn("assay-judge", in[0], out[1], pair[0]);
    close(pair[0]);
    close(pair[1]);
    close(in[0]);
    close(out[1]);
    slot.to = in[1];
    slot.from = out[0];
    slot.seq = 0;
    json_t *hello = receive(0, WIRE_HELLO);
    assert_string_equal(json_string_value(json_object_get(hello, "name")), "judge");
    json_decref(hello);
    return 0;
}

/* Ends the slot and returns the judge's wait status. */
static inline int slot_end(void)
{
    int judge, keeper;
    close(slot.to);
    close(slot.from);
    assert_int_equal(waitpid(slot.judge, &judge, 0), slot.judge);
    assert_int_equal(waitpid(slot.keeper, &keeper, 0), slot.keeper);
    return judge;
}

static inline int slot_stop(void **state)
{
    (void)state;
    return slot_end() == 0 ? 0 : -1;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

struct test {
    const char *entry_point;   /* NULL: "f"; "": none */
    const char *tests, *cases; /* cases: JSON */
    const char *starter, *reference, *program;
    const char *reason; /* NULL: passes */
    int passed;         /* where there is a reason */
};

static inline void put_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, text ? json_string(text) : json_null());
}

static inline json_t *parsed(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    if (!json)
        fail_msg("%s: %s", error.text, text);
    return json;
}

/* Sends a suite with short limits and returns its key, which lives until the next call. */
static inline const char *send_suite(json_t *suite)
{
    static char key[32];
    snprintf(key, sizeof key, "suite-%d", ++slot.suites);
    if (!json_object_get(suite, "limits"))
        json_object_set_new(
            suite, "limits",
            parsed(
                "{\"cpu_s\":1,\"wall_s\":3,\"memory_mib\":256,\"output_kib\":64,\"threads\":8}"));
    submit(WIRE_SUITE, json_pack("{s:s, s:o}", "key", key, "suite", suite));
    return key;
}

static inline json_t *grade(const char *key, const char *program, bool timing)
{
    return job(json_pack("{s:s, s:s, s:s, s:b}", "op", "grade", "suite", key, "program", program,
                         "timing", timing));
}

static inline const char *reason_of(const json_t *result)
{
    return json_string_value(json_object_get(result, "reason"));
}

static inline int count(const json_t *result, const char *which)
{
    return (int)json_integer_value(json_object_get(json_object_get(result, "tests"), which));
}

static inline void expect(const json_t *result, const char *what, const char *reason, int passed)
{
    const char *got = reason_of(result);
    int all = count(result, "total");
    bool ok = json_is_null(json_object_get(result, "infra")) &&
              count(result, "passed") == (passed < 0 ? all : passed) &&
              (reason ? got && strcmp(reason, got) == 0 : !got);
    if (!ok) {
        char *text = json_dumps(result, 0);
        printf("# program: %s\n# result: %s\n", what, text); /* cmocka's print cuts it */
        free(text);
        fail_msg("wanted %s, %d passed", reason ? reason : "a pass", passed);
    }
}

static inline void run(const struct test *t)
{
    json_t *suite = json_object();
    const char *entry = t->entry_point ? t->entry_point : "f";
    put_text(suite, "entry_point", *entry ? entry : NULL);
    put_text(suite, "starter", t->starter);
    put_text(suite, "reference", t->reference);
    if (t->tests)
        put_text(suite, "tests", t->tests);
    if (t->cases)
        json_object_set_new(suite, "cases", parsed(t->cases));
    json_t *result = grade(send_suite(suite), t->program, false);
    expect(result, t->program, t->reason, t->reason ? t->passed : -1);
    json_decref(result);
}

#define RUN(...) run(&(struct test){__VA_ARGS__})

/* The failure with index `i` of a result. */
static inline const char *failure(const json_t *result, size_t i, const char *key)
{
    json_t *failures = json_object_get(json_object_get(result, "tests"), "failures");
    return json_string_value(json_object_get(json_array_get(failures, i), key));
}

#endif
