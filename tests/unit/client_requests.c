/* The grading client against a scripted HTTP server: order, batching, retries, deadlines, and a
 * verifier that is gone, stuck, or talks nonsense. The real verifier is met in
 * verifier_process_serves and in tests/e2e. */
#include "base/file.h"
#include "client_harness.h"
#include "trainer/client/process.h"

/* ---- tests ---------------------------------------------------------------------------------- */

static void every_completion_comes_back_once(void **state)
{
    (void)state;
    struct server *s = server_start(GRADE);
    struct client *c = client_of(s->path, 10, 10);
    grade_all(c, 300);
    assert_int_equal(s->items, 300);
    assert_true(s->requests < 300); /* batched once busy ... */
    assert_true(s->largest <= 4);   /* ... but never past the limit */
    assert_int_equal(client_stats(c).graded, 300);
    client_stop(c);
    server_stop(s);
}

static void refusals_are_retried(void **state)
{
    (void)state;
    const enum mode modes[] = {BUSY_AT_FIRST, DROP_AT_FIRST};
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        struct server *s = server_start(modes[i]);
        struct client *c = client_of(s->path, 10, 10);
        grade_all(c, 40);
        /* libcurl itself sends again what an idle connection lost. */
        assert_true(client_stats(c).retries >= (modes[i] == BUSY_AT_FIRST ? 3 : 1));
        client_stop(c);
        server_stop(s);
    }
}

static void infra_is_nan(void **state)
{
    (void)state;
    struct server *s = server_start(GRADE);
    struct client *c = client_of(s->path, 10, 10);
    struct client_verdict v;
    client_grade(c, "t", "infra", 5, NULL);
    assert_int_equal(client_wait(c, 5, &v, NULL), 0);
    assert_true(isnan(v.reward));
    assert_int_equal(v.grade, -1);
    assert_string_equal(json_string_value(json_object_get(v.verdict, "infra")), "disk full");
    json_decref(v.verdict);
    client_stop(c);
    server_stop(s);
}

static void hostile_bytes_are_sent(void **state)
{
    (void)state;
    struct server *s = server_start(GRADE);
    struct client *c = client_of(s->path, 10, 10);
    struct client_verdict v;
    client_grade(c, "t", "1\0\xff\"\\\n", 6, NULL); /* the server's JSON reader takes no NUL */
    assert_int_equal(client_wait(c, 5, &v, NULL), 0);
    assert_true(v.reward == 1);
    json_decref(v.verdict);
    client_stop(c);
    server_stop(s);
}

/* Expects client_wait to fail within `limit_s`, with `message`. */
static void expect_failure(struct client *c, double limit_s, int code, const char *message)
{
    struct client_verdict v;
    struct err err = {0};
    double started = wall_s();
    int rc;
    while ((rc = client_wait(c, limit_s, &v, &err)) == 0)
        json_decref(v.verdict);
    assert_int_equal(rc, code);
    if (!strstr(err.text, message))
        fail_msg("says: %s", err.text);
    assert_true(wall_s() - started < limit_s);
}

static void a_dead_verifier_is_an_error(void **state)
{
    (void)state;
    struct client *c = client_of("/tmp/assay-no-such-socket", 5, .3);
    struct err err = {0};
    client_grade(c, "t", "1", 1, NULL);
    expect_failure(c, 60, -ECONNREFUSED, "has refused work for");
    assert_int_equal(client_health(c, NULL, &err), -ECONNREFUSED);
    assert_non_null(strstr(err.text, "/tmp/assay-no-such-socket"));
    client_stop(c);
}

static void what_cannot_be_repaired_is_an_error(void **state)
{
    (void)state;
    static const struct {
        enum mode mode;
        int code;
        const char *message;
        double patience_s;
    } rows[] = {
        {BAD_REQUEST, -EPROTO, "HTTP 400: unknown task_id `nope`", 60},
        {NONSENSE, -EPROTO, "not 1 verdicts", 60},
        {TOO_FEW, -EPROTO, "not 1 verdicts", 60},
        {ALWAYS_BUSY, -ECONNREFUSED, "busy", .3},
        {HANG, -ETIMEDOUT, "has answered nothing", .3},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct server *s = server_start(rows[i].mode);
        struct client *c = client_of(s->path, rows[i].patience_s, rows[i].patience_s);
        client_grade(c, "t", "1", 1, NULL);
        expect_failure(c, 60, rows[i].code, rows[i].message);
        client_stop(c);
        server_stop(s);
    }
}

/* One stuck request among good ones: its items come back as infra, the run goes on. */
static void one_lost_request_is_infra(void **state)
{
    (void)state;
    struct server *s = server_start(HANG_ONE);
    struct client *c = client_of(s->path, 2, 60);
    int infra = 0;
    client_grade(c, "t", "0", 1, NULL);
    while (s->requests == 0)
        usleep(1000);
    for (int i = 0; i < 20; i++)
        client_grade(c, "t", "1", 1, NULL);
    for (int i = 0; i < 21; i++) {
        struct client_verdict v;
        struct err err = {0};
        if (client_wait(c, 60, &v, &err) < 0)
            fail_msg("%s", err.text);
        infra += isnan(v.reward);
        json_decref(v.verdict);
    }
    assert_int_equal(infra, 1);
    assert_int_equal(client_pending(c), 0);
    client_stop(c);
    server_stop(s);
}

static void stopping_abandons_what_is_pending(void **state)
{
    (void)state;
    struct server *s = server_start(HANG);
    struct client *c = client_of(s->path, 60, 60);
    for (int i = 0; i < 50; i++)
        client_grade(c, "t", "1", 1, NULL);
    struct client_verdict v;
    assert_int_equal(client_wait(c, .1, &v, NULL), -ETIMEDOUT);
    double started = wall_s();
    client_stop(c);
    assert_true(wall_s() - started < 30);
    server_stop(s);
}

static void problems_are_paged(void **state)
{
    (void)state;
    struct server *s = server_start(GRADE);
    struct client *c = client_of(s->path, 10, 10);
    json_t *all;
    struct err err = {0};
    assert_int_equal(client_problems(c, 0, &all, &err), 0);
    assert_int_equal(json_array_size(all), 4500);
    assert_string_equal(json_string_value(json_object_get(json_array_get(all, 4499), "id")),
                        "p4499");
    json_decref(all);
    assert_int_equal(client_problems(c, 9, &all, &err), -EPROTO);
    assert_non_null(strstr(err.text, "no source 9"));
    client_stop(c);
    server_stop(s);
}

static void options_are_checked(void **state)
{
    (void)state;
    struct client *c;
    const char *ftp = "ftp://x";
    assert_int_equal(client_start(&(struct client_options){0}, &c, NULL), -EINVAL);
    assert_int_equal(client_start(&(struct client_options){.urls = &ftp, .n_urls = 1}, &c, NULL),
                     -EINVAL);
}

/* A program that ends at once, and one that never listens. */
static void a_verifier_that_does_not_start_is_told(void **state)
{
    (void)state;
    char log[] = "/tmp/assay-log-XXXXXX", script[] = "/tmp/assay-script-XXXXXX";
    struct verifier_process *v;
    struct err err = {0};
    close(mkstemp(log));
    close(mkstemp(script));
    struct verifier_process_options opt = {.program = script, .log = log, .ready_s = 60};
    assert_int_equal(
        file_replace(script, STR("#!/bin/sh\necho 'no such file: p.yaml' >&2\nexit 2\n"), NULL), 0);
    chmod(script, 0700);
    assert_int_equal(verifier_process_start(&opt, &v, &err), -ECHILD);
    assert_non_null(strstr(err.text, "status 2: no such file: p.yaml"));
    assert_int_equal(file_replace(script, STR("#!/bin/sh\nexec sleep 60\n"), NULL), 0);
    chmod(script, 0700);
    opt.ready_s = .3;
    assert_int_equal(verifier_process_start(&opt, &v, &err), -ETIMEDOUT);
    const struct verifier_process_options absent = {.program = "/nonexistent/assay-verifier"};
    assert_int_equal(verifier_process_start(&absent, &v, &err), -ENOENT);
    unlink(script);
    unlink(log);
}

static void verifier_process_serves(void **state)
{
    (void)state;
    const char *build = getenv("ASSAY_BUILD");
    char program[PATH_MAX], judge[PATH_MAX], problems[] = "/tmp/assay-p-XXXXXX.yaml",
                                             log[] = "/tmp/assay-log-XXXXXX";
    struct verifier_process *v;
    struct err err = {0};
    snprintf(program, sizeof program, "%s/assay-verifier", build ? build : "build/release");
    snprintf(judge, sizeof judge, "%s/assay-judge", build ? build : "build/release");
    if (access(program, X_OK) != 0 || access(judge, X_OK) != 0)
        skip();
    close(mkstemps(problems, 5));
    close(mkstemp(log));
    assert_int_equal(
        file_replace(
            problems,
            STR("id: add\nprompt: Add two numbers.\nentry_point: add\n"
                "cases:\n  - {args: [1, 2], expected: 3}\n  - {args: [5, -5], expected: 0}\n"),
            NULL),
        0);
    const char *specs[] = {problems};
    const struct verifier_process_options opt = {
        .program = program, .problems = specs, .n_problems = 1, .slots = 1, .log = log};
    if (verifier_process_start(&opt, &v, &err) < 0)
        fail_msg("%s", err.text);
    struct client *c = client_of(verifier_process_url(v) + 5, 30, 5);
    struct client_verdict verdict;
    json_t *all;
    assert_int_equal(client_problems(c, 0, &all, &err), 0);
    assert_int_equal(json_array_size(all), 1);
    json_decref(all);
    static const char *const programs[] = {"```python\ndef add(a, b):\n    return a + b\n```",
                                           "def add(a, b):\n    return a - b\n", "I do not know."};
    const int grades[] = {GRADE_CORRECT, GRADE_FAILS_TESTS, GRADE_NOT_CODE};
    for (int i = 0; i < 3; i++) {
        client_grade(c, "add", programs[i], strlen(programs[i]), NULL);
        if (client_wait(c, 30, &verdict, &err) < 0)
            fail_msg("%s", err.text);
        assert_int_equal(verdict.grade, grades[i]);
        json_decref(verdict.verdict);
    }
    client_stop(c);
    assert_int_equal(verifier_process_check(v, &err), 0);
    verifier_process_stop(v);
    unlink(problems);
    unlink(log);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_completion_comes_back_once),
        cmocka_unit_test(refusals_are_retried),
        cmocka_unit_test(infra_is_nan),
        cmocka_unit_test(hostile_bytes_are_sent),
        cmocka_unit_test(a_dead_verifier_is_an_error),
        cmocka_unit_test(what_cannot_be_repaired_is_an_error),
        cmocka_unit_test(one_lost_request_is_infra),
        cmocka_unit_test(stopping_abandons_what_is_pending),
        cmocka_unit_test(problems_are_paged),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(a_verifier_that_does_not_start_is_told),
        cmocka_unit_test(verifier_process_serves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
