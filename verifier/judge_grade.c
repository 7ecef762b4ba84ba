/* judge_grade.c: op "grade": the tests of every kind, then the timing, added up into one RESULT. */
#include "base/clock.h"
#include "sandbox.h"
#include "verifier/judge.h"
#include "verifier/judge_calibrate.h"
#include "verifier/judge_derive.h"
#include "verifier/judge_job.h"
#include "verifier/judge_proxy.h"
#include "verifier/judge_text.h"
#include "verifier/judge_watch.h"

/* What the keeper's deadline may be late by, and what test code of our own may take after it. */
static const double WINDOW_MARGIN_S = 0.5;
/* How long the keeper may take to kill, reap and report. */
static const int64_t ACCOUNT_NS = 5ll * NS_PER_S;

/* ---- counting -------------------------------------------------------------------------------- */

void judge_next_test(struct judge_job *job, const json_t *test)
{
    job->test = test;
}

void judge_pass(struct judge_job *job)
{
    const char *name = json_string_value(json_object_get(job->test, "group"));
    json_t *group = name ? json_object_get(job->groups, name) : NULL;
    json_t *passed = json_object_get(group, "passed");
    job->passed++;
    job->tests++;
    job->earned += judge_test_points(job->test);
    if (passed)
        json_integer_set(passed, json_integer_value(passed) + 1);
}

void judge_fail(struct judge_job *job, enum reason reason, json_t *call, PyObject *got,
                PyObject *expected, const char *message)
{
    job->tests++;
    if (job->reason == REASON_NONE)
        job->reason = reason;
    if (json_array_size(job->failures) >= JUDGE_FAILURES_MAX) {
        json_decref(call);
        return;
    }
    json_t *failure = json_object();
    json_object_set_new(failure, "test", json_integer(job->tests));
    json_object_set_new(failure, "call", call ? call : json_null());
    json_object_set_new(failure, "got", judge_show(got));
    json_object_set_new(failure, "expected", judge_show(expected));
    json_object_set_new(failure, "message",
                        message ? judge_json_text(str_of(message), JUDGE_TEXT_BYTES_MAX)
                                : json_null());
    json_array_append_new(job->failures, failure);
}

/* A MemoryError, or what the kernel says when it refuses a mapping. */
static bool is_memory_limit(void)
{
    PyObject *type, *value, *trace;
    if (!PyErr_ExceptionMatches(PyExc_OSError))
        return PyErr_ExceptionMatches(PyExc_MemoryError);
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    PyObject *number = PyObject_GetAttrString(value, "errno");
    bool yes = number && PyLong_Check(number) && PyLong_AsLong(number) == ENOMEM;
    Py_XDECREF(number);
    PyErr_Restore(type, value, trace);
    return yes;
}

/* OSError(EAGAIN) of a refused fork, RuntimeError of a refused thread. */
static bool is_process_limit(void)
{
    struct buf text = {0};
    bool yes = PyErr_ExceptionMatches(PyExc_BlockingIOError);
    if (!yes && PyErr_ExceptionMatches(PyExc_RuntimeError)) {
        judge_error_text(&text);
        yes = strstr(text.s, "can't start new thread") != NULL;
        buf_free(&text);
    }
    return yes;
}

enum reason judge_reason_of_error(const struct judge_guest *guest)
{
    if (PyErr_ExceptionMatches(judge_stop))
        return guest->over && guest->reason != REASON_NONE ? guest->reason : REASON_TIME_LIMIT;
    if (PyErr_ExceptionMatches(PyExc_AssertionError))
        return REASON_WRONG_ANSWER;
    if (is_memory_limit())
        return REASON_MEMORY_LIMIT;
    if (PyErr_ExceptionMatches(judge_refused))
        return PyErr_ExceptionMatches(judge_too_large) ? REASON_OUTPUT_LIMIT : REASON_WRONG_ANSWER;
    return is_process_limit() ? REASON_PROCESS_LIMIT : REASON_EXCEPTION;
}

void judge_describe_error(const struct judge_job *job, struct buf *out)
{
    uint32_t line = judge_raised_line();
    if (PyErr_ExceptionMatches(judge_stop)) {
        buf_puts(out, job->guest.why[0] ? job->guest.why : "out of time");
        return;
    }
    judge_error_text(out);
    if (line)
        buf_printf(out, " (line %u)", line);
}

void judge_fail_by_error(struct judge_job *job, json_t *call)
{
    struct buf text = {0};
    enum reason reason = judge_reason_of_error(&job->guest);
    judge_describe_error(job, &text);
    PyErr_Clear();
    judge_fail(job, reason, call, NULL, NULL, text.s);
    buf_free(&text);
}

/* ---- guests ---------------------------------------------------------------------------------- */

int judge_job_start_guest(struct judge_job *job, const struct limits *limits, enum guest_use use)
{
    judge_watch_open((int64_t)((limits->wall_s + WINDOW_MARGIN_S) * 1e9), judge_last_words(job),
                     job->frames_fd);
    int rc = judge_guest_start(&job->guest, limits, use, &job->infra);
    if (rc < 0)
        judge_watch_close();
    else
        job->isolation = job->guest.isolation;
    return rc;
}

int judge_job_finish_guest(struct judge_job *job)
{
    struct judge_guest *g = &job->guest;
    /* The account gets a window of its own: the first may be spent. */
    judge_watch_open(ACCOUNT_NS, NULL, -1);
    int rc = judge_guest_finish(g, &job->infra);
    judge_watch_close();
    bool surely;
    if (judge_guest_was_killed(g, &surely)) {
        job->surely = surely && (!job->killed || job->surely);
        job->killed = true;
    }
    uint64_t cpu_us = g->end.user_us + g->end.system_us;
    job->cpu_us += cpu_us;
    if (cpu_us > job->cpu_us_most)
        job->cpu_us_most = cpu_us;
    job->wall_us += g->end.wall_us;
    if (g->end.memory_peak_kib > job->memory_peak_kib)
        job->memory_peak_kib = g->end.memory_peak_kib;
    return rc;
}

/* ---- the result ------------------------------------------------------------------------------ */

json_t *judge_isolation(uint32_t bits)
{
    static json_t *names; /* the guests of a slot have the same */
    static uint32_t named;
    if (names && bits == named)
        return json_incref(names);
    json_decref(names);
    names = json_array();
    named = bits;
    for (int bit = 0; bit < SBX_ISOLATION_COUNT; bit++)
        if (bits & (1u << bit))
            json_array_append_new(names, json_string(sbx_isolation_name(bit)));
    return json_incref(names);
}

json_t *judge_reason(enum reason reason)
{
    static const char *const names[] = REASON_NAMES;
    return reason == REASON_NONE ? json_null() : json_string(names[reason]);
}

/* Groups, points and what was not run are there only where the problem or the run gives cause. */
static json_t *tests_of(const struct judge_job *job, bool failed, int total)
{
    json_t *tests = json_pack("{s:i, s:i, s:O}", "passed", failed ? 0 : job->passed, "total", total,
                              "failures", job->failures);
    if (job->not_run)
        json_object_set_new(tests, "not_run", json_integer(job->not_run));
    if (job->groups)
        json_object_set(tests, "groups", job->groups);
    if (total && job->suite && job->suite->points > 0)
        json_object_set_new(tests, "points",
                            json_pack("{s:f, s:f}", "earned", failed ? 0. : job->earned, "total",
                                      job->suite->points));
    return tests;
}

/* Complexity and limit are there only where the problem asks for them. */
static json_t *time_of(const struct judge_job *job)
{
    json_t *time = json_pack("{s:f, s:f, s:O}", "cpu_ms", (double)job->cpu_us / 1e3, "wall_ms",
                             (double)job->wall_us / 1e3, "speedup", job->speedup);
    if (job->complexity)
        json_object_set(time, "complexity", job->complexity);
    if (job->suite && job->suite->limits.cpu_times > 0 && !job->suite->uncalibrated)
        json_object_set_new(time, "cpu_limit_ms", json_real(job->suite->limits.cpu_s * 1e3));
    return time;
}

void judge_put_killed(const struct judge_job *job, json_t *result)
{
    if (job->killed || job->infra.code == -EOWNERDEAD)
        json_object_set_new(result, "killed",
                            json_string(job->killed && !job->surely ? "perhaps" : "surely"));
}

static json_t *result(struct judge_job *job)
{
    bool failed = job->infra.code != 0;
    int total = job->suite && !job->suite->broken ? job->suite->total : 0;
    json_t *r = json_object();
    json_object_set_new(r, "infra",
                        failed ? judge_json_text(str_of(job->infra.text), JUDGE_TEXT_BYTES_MAX)
                               : json_null());
    if (failed && job->suite && (job->suite->broken || job->lasting))
        json_object_set_new(r, "lasting", json_true());
    judge_put_killed(job, r);
    json_object_set_new(r, "reason", judge_reason(failed ? REASON_NONE : job->reason));
    json_object_set_new(r, "tests", tests_of(job, failed, total));
    json_object_set_new(r, "time", time_of(job));
    json_object_set_new(r, "memory_peak_kib", json_integer((json_int_t)job->memory_peak_kib));
    json_object_set_new(r, "isolation", judge_isolation(job->isolation));
    json_object_set(r, "lint", job->lint);
    return r;
}

/* The frame that the deadline's handler writes if nothing else can: out of time, nothing passed. The
 * jobs of a suite differ by the number alone. */
static void prepare_last_words(struct judge_job *job, uint32_t seq)
{
    struct wire_header h = {.version = WIRE_VERSION, .type = WIRE_RESULT, .seq = seq};
    struct buf *words = &job->suite->last_words;
    if (words->len) {
        memcpy(words->s + offsetof(struct wire_header, seq), &seq, sizeof seq);
        return;
    }
    buf_add(words, &h, sizeof h);
    buf_printf(words,
               "{\"infra\":null,\"reason\":\"time-limit\",\"tests\":{\"passed\":0,\"total\":%d,"
               "\"failures\":[]},"
               "\"time\":{\"cpu_ms\":%.1f,\"wall_ms\":%.1f,\"speedup\":null},\"memory_peak_kib\":0,"
               "\"isolation\":[],\"lint\":[]}",
               job->suite->total, job->suite->limits.wall_s * 1e3, job->suite->limits.wall_s * 1e3);
    h.len = (uint32_t)(words->len - sizeof h);
    memcpy(words->s, &h, sizeof h);
}

int judge_run_tests(struct judge_job *job)
{
    struct judge_suite *s = job->suite;
    if (s->n_cases > 0 || s->tests_code)
        TRY(judge_run_functions(job));
    if (json_array_size(s->stdio) > 0)
        TRY(judge_run_stdio(job));
    /* Whatever the tests said of themselves, a program passes when all of them did. */
    if (job->reason == REASON_NONE && job->passed != s->total)
        job->reason = REASON_WRONG_ANSWER;
    return 0;
}

json_t *judge_grade(const json_t *request, uint32_t seq, int frames_fd)
{
    const json_t *program = json_object_get(request, "program");
    const char *key = json_string_value(json_object_get(request, "suite"));
    struct judge_job job = {
        .suite = judge_suite_find(key),
        .program = str_make(json_string_value(program), json_string_length(program)),
        .with_starter = !json_is_false(json_object_get(request, "starter")),
        .frames_fd = frames_fd,
        .failures = json_array(),
        .lint = json_array(),
        .speedup = json_null(),
        .guest = {.fd = -1, .pipes = {-1, -1, -1}},
    };
    if (!job.suite)
        err_set(&job.infra, -ENOENT, "the judge does not hold suite %s", key ? key : "(none)");
    else if (job.suite->broken)
        err_set(&job.infra, -EINVAL, "the problem: %s", job.suite->broken);
    else if (!job.program.s)
        err_set(&job.infra, -EINVAL, "a job without a program");
    if (job.infra.code == 0 && job.suite->underived)
        (void)judge_derive(job.suite, &job.infra);
    if (job.infra.code == 0 && job.suite->uncalibrated)
        (void)judge_calibrate(job.suite, &job.infra);
    if (job.infra.code == 0) {
        prepare_last_words(&job, seq);
        job.groups = json_deep_copy(job.suite->groups);
        int rc = judge_run_tests(&job);
        if (rc == 0 && job.reason == REASON_NONE && job.suite->timing_call &&
            json_is_true(json_object_get(request, "timing")))
            rc = judge_run_timing(&job);
        CHECK(rc == 0 || job.infra.code != 0);
    }
    json_t *made = result(&job);
    json_decref(job.failures);
    json_decref(job.lint);
    json_decref(job.speedup);
    json_decref(job.complexity);
    json_decref(job.groups);
    judge_guest_free(&job.guest);
    return made;
}
