/* judge_stdio.c: whole programs on real pipes: a fresh guest for each input.
 *
 * The guest compiles the text and says on its socket whether it could, then runs it with
 * descriptors 0, 1 and 2 on pipes whose other ends are here. One poll loop feeds stdin and
 * drains both outputs until the keeper reports the end; nothing of what is printed is taken for
 * anything but output. Past the output limit the guest is killed. */
#include <sys/wait.h>
#include <unistd.h>

#include "verifier/judge.h"
#include "verifier/judge_job.h"
#include "verifier/judge_proxy.h"
#include "verifier/judge_text.h"
#include "verifier/judge_watch.h"

/* How many tests of one problem may use their limits up. */
static const double TESTS_AT_LIMIT = 30;

/* One run of one program: what goes in. What comes out lies in the guest's outputs. */
struct run {
    struct str input;
    size_t written;
    size_t out_max;
    bool keep_errors; /* all of stderr up to out_max, else only its tail */
};

static struct str printed(const struct judge_job *job, int which)
{
    return buf_view(&job->guest.drains[which].kept);
}

static void close_end(int *fd)
{
    close(*fd);
    *fd = -1;
}

static void feed(struct judge_guest *g, struct run *run)
{
    size_t left = run->input.len - run->written;
    ssize_t n = left ? write(g->pipes[0], run->input.s + run->written, left) : 0;
    if (n > 0)
        run->written += (size_t)n;
    /* A program that does not read its input is free not to. */
    if (run->written == run->input.len || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_end(&g->pipes[0]);
}

/* Everybody who could write is dead; what they wrote may still lie in the pipes. */
static int drain_rest(struct judge_guest *g)
{
    for (int i = 1; i < 3; i++) {
        uint64_t before = UINT64_MAX;
        while (g->pipes[i] >= 0 && g->drains[i].seen != before) {
            before = g->drains[i].seen;
            TRY(judge_guest_drain(g, i));
        }
    }
    return 0;
}

/* Runs until the keeper has reported the guest's end. 0, GUEST_OVER (flood, deadline) or infra. */
static int pump(struct judge_job *job, struct run *run)
{
    struct judge_guest *g = &job->guest;
    while (!g->exited) {
        struct pollfd fds[4] = {
            {.fd = JUDGE_KEEPER_FD, .events = POLLIN},
            {.fd = g->pipes[0], .events = POLLOUT},
            {.fd = g->pipes[1], .events = POLLIN},
            {.fd = g->pipes[2], .events = POLLIN},
        };
        if (judge_guest_poll(g, fds, 4) < 0 && errno != EINTR)
            return err_set(&job->infra, -errno, "poll: %s", strerror(errno));
        if (judge_watch_expired())
            return judge_guest_fail(g, REASON_TIME_LIMIT, "no end within the wall clock limit");
        if (fds[1].revents)
            feed(g, run);
        for (int i = 1; i < 3; i++)
            if (fds[i + 1].revents)
                TRY(judge_guest_drain(g, i));
        if (fds[0].revents)
            TRY(judge_guest_poll_exit(g, &job->infra));
    }
    return drain_rest(g);
}

/* The last line of a traceback names the exception, a class of a module by its full name. */
static enum reason reason_of_stderr(struct str text, enum reason otherwise)
{
    while (text.len && text.s[text.len - 1] == '\n')
        text.len--;
    const char *line = memrchr(text.s, '\n', text.len);
    struct str last = line ? str_from(text, (size_t)(line + 1 - text.s)) : text;
    const char *colon = last.len ? memchr(last.s, ':', last.len) : NULL;
    struct str name = colon ? str_make(last.s, (size_t)(colon - last.s)) : last;
    const struct str memory = STR("MemoryError");
    if ((name.len >= memory.len && str_eq(str_from(name, name.len - memory.len), memory)) ||
        str_starts(last, STR("OSError: [Errno 12]")))
        return REASON_MEMORY_LIMIT;
    if (str_starts(last, STR("RuntimeError: can't start new thread")) ||
        str_starts(last, STR("BlockingIOError: [Errno 11]")))
        return REASON_PROCESS_LIMIT;
    return otherwise;
}

/* One program in one guest, from fork to account. *ret_reason is how it ended; negative: infra. */
static int run_program(struct judge_job *job, struct str program, const struct limits *limits,
                       struct run *run, enum reason *ret_reason)
{
    struct judge_guest *g = &job->guest;
    bool loaded = false, syntax_error = false;
    TRY(judge_job_start_guest(job, limits, GUEST_FOR_STREAMS));
    judge_drain_begin(&g->drains[1], DRAIN_KEEP_ALL, run->out_max);
    if (run->keep_errors)
        judge_drain_begin(&g->drains[2], DRAIN_KEEP_ALL, run->out_max);
    else
        judge_drain_begin(&g->drains[2], DRAIN_KEEP_TAIL, DRAIN_UNREAD_BYTES_MAX);
    judge_session_begin(g);
    if (judge_load(program.s, program.len, GUEST_LOAD_MAIN) == 0)
        loaded = true;
    else if (!g->over)
        loaded = syntax_error = true; /* it prints the traceback and exits */
    if (syntax_error && job->suite)
        judge_note_syntax_error(job);
    PyErr_Clear();
    judge_session_end();
    int rc = loaded ? pump(job, run) : GUEST_OVER;
    int finished = judge_job_finish_guest(job);
    if (finished < 0 || (rc < 0 && rc != GUEST_OVER))
        return finished < 0 ? finished : rc;
    enum reason ended = judge_reason_of_end(&g->end, g->memory_kib);
    if (rc == GUEST_OVER)
        ended = g->reason;
    else if (syntax_error)
        ended = REASON_SYNTAX_ERROR;
    else if (ended == REASON_EXCEPTION)
        ended = reason_of_stderr(printed(job, 2), ended);
    *ret_reason = ended;
    return 0;
}

/* `said` is the checker's own message; without one the end of stderr is shown. */
static void fail_case(struct judge_job *job, enum reason reason, const struct run *run,
                      struct str expected, const char *said)
{
    struct str out = printed(job, 1), tail = printed(job, 2);
    PyObject *got = PyUnicode_DecodeUTF8(out.s, (Py_ssize_t)out.len, "replace");
    PyObject *want = PyUnicode_DecodeUTF8(expected.s, (Py_ssize_t)expected.len, "replace");
    if (tail.len > JUDGE_TEXT_BYTES_MAX)
        tail = str_from(tail, tail.len - JUDGE_TEXT_BYTES_MAX);
    struct buf message = {0};
    buf_str(&message, tail);
    if (!said && message.len)
        said = message.s;
    judge_fail(job, reason, judge_json_text(run->input, JUDGE_TEXT_BYTES_MAX), got, want, said);
    buf_free(&message);
    Py_XDECREF(got);
    Py_XDECREF(want);
    PyErr_Clear();
}

/* A checker that fails may have been made to by what the program printed, and then the program
 * has the wrong answer; or it is broken, and then nobody can be graded. What it says of the
 * expected output tells the two apart. The pending error is what it failed with on the
 * program's. */
static int blame(struct judge_job *job, const struct judge_output *o, bool *ret_hung)
{
    struct judge_output control = {.input = o->input, .got = o->expected, .expected = o->expected};
    struct buf text = {0}, message = {0};
    double score = 0;
    *ret_hung = PyErr_ExceptionMatches(judge_stop);
    if (*ret_hung)
        buf_puts(&text, "the checker came to no end");
    else
        judge_error_text(&text);
    PyErr_Clear();
    judge_watch_close();
    judge_watch_open((int64_t)(job->suite->limits.wall_s * 1e9), judge_last_words(job),
                     job->frames_fd);
    int rc = judge_check_output(&job->suite->checker, &control, &score, &message);
    PyErr_Clear();
    job->lasting = rc < 0;
    if (rc < 0)
        err_set(&job->infra, -EINVAL, "the problem's checker fails on the expected output too: %s",
                text.s);
    else
        judge_fail(job, *ret_hung ? REASON_TIME_LIMIT : REASON_WRONG_ANSWER,
                   judge_json_text(o->input, JUDGE_TEXT_BYTES_MAX), NULL, NULL, text.s);
    buf_free(&text);
    buf_free(&message);
    return rc;
}

/* The checker has a window of its own: a Python one is test code at work on the program's
 * output. */
static int check_case(struct judge_job *job, struct run *run, struct str expected, bool *ret_hung)
{
    struct judge_output o = {.input = run->input, .got = printed(job, 1), .expected = expected};
    struct buf message = {0};
    double score = 0;
    judge_watch_open((int64_t)(job->suite->limits.wall_s * 1e9), judge_last_words(job),
                     job->frames_fd);
    int rc = judge_check_output(&job->suite->checker, &o, &score, &message);
    if (rc < 0)
        rc = blame(job, &o, ret_hung);
    else if (score >= 1)
        judge_pass(job);
    else
        fail_case(job, REASON_WRONG_ANSWER, run, expected, message.s);
    job->earned += rc == 0 && score < 1 ? score * judge_test_points(job->test) : 0;
    judge_watch_close();
    buf_free(&message);
    return rc;
}

static struct str json_str(const json_t *json)
{
    return json ? str_make(json_string_value(json), json_string_length(json)) : STR("");
}

/* A right answer is never too long: checkers that skip white space let it be longer than the
 * expected text. */
static size_t output_max(const struct limits *limits, size_t expected)
{
    size_t declared = (size_t)limits->output_kib << 10;
    return 2 * expected > declared ? 2 * expected : declared;
}

/* One test. *ret_stop: the rest would only cost the same again (a time-out, a text that does not
 * compile), or is not wanted. */
static int run_test(struct judge_job *job, struct str program, const json_t *test, bool *ret_stop)
{
    const struct judge_suite *s = job->suite;
    struct str expected = json_str(json_object_get(test, "stdout"));
    struct run run = {.input = json_str(json_object_get(test, "stdin")),
                      .out_max = output_max(&s->limits, expected.len)};
    enum reason reason = REASON_NONE;
    int passed = job->passed;
    judge_next_test(job, test);
    TRY(run_program(job, program, &s->limits, &run, &reason));
    if (reason == REASON_NONE)
        TRY(check_case(job, &run, expected, ret_stop));
    else
        fail_case(job, reason, &run, expected, NULL);
    *ret_stop = *ret_stop || reason == REASON_SYNTAX_ERROR || reason == REASON_TIME_LIMIT ||
                (s->stop_on_first_failure && job->passed == passed);
    return 0;
}

/* All tests together may use TESTS_AT_LIMIT times what one may: a program that is just fast enough
 * for each of hundreds of tests must not hold a slot for an hour. */
static bool used_up(const struct judge_job *job)
{
    const struct limits *l = &job->suite->limits;
    return (double)job->cpu_us > TESTS_AT_LIMIT * l->cpu_s * 1e6 ||
           (double)job->wall_us > TESTS_AT_LIMIT * l->wall_s * 1e6;
}

int judge_run_stdio(struct judge_job *job)
{
    struct judge_suite *s = job->suite;
    size_t n = json_array_size(s->stdio), i = 0;
    struct buf program = {0};
    bool stop = false;
    int rc = 0;
    if (s->starter && job->with_starter) {
        buf_puts(&program, s->starter);
        buf_char(&program, '\n');
        for (const char *c = program.s; *c; c++)
            job->lines_before += *c == '\n';
    }
    buf_str(&program, job->program);
    for (; i < n && rc == 0 && !stop; i++) {
        rc = run_test(job, buf_view(&program), json_array_get(s->stdio, i), &stop);
        if (rc == 0 && i + 1 < n && !stop && used_up(job)) {
            judge_next_test(job, NULL);
            judge_fail(job, REASON_TIME_LIMIT, NULL, NULL, NULL,
                       "the tests together took too long");
            stop = true;
        }
    }
    job->not_run += (int)(n - i);
    buf_free(&program);
    return rc;
}

/* ---- op "run" -------------------------------------------------------------------------------- */

json_t *judge_run(const json_t *request)
{
    struct judge_job job = {.frames_fd = -1,
                            .failures = json_array(),
                            .lint = json_array(),
                            .guest = {.fd = -1, .pipes = {-1, -1, -1}}};
    struct limits limits = judge_limits(json_object_get(request, "limits"));
    struct run run = {.input = json_str(json_object_get(request, "stdin")),
                      .out_max = (size_t)limits.output_kib << 10,
                      .keep_errors = true};
    enum reason reason = REASON_NONE;
    char status[40] = "";
    int rc =
        run_program(&job, json_str(json_object_get(request, "program")), &limits, &run, &reason);
    int end = job.guest.end.status;
    snprintf(status, sizeof status, WIFSIGNALED(end) ? "signal %d" : "exit %d",
             WIFSIGNALED(end) ? WTERMSIG(end) : WEXITSTATUS(end));
    json_t *r = json_object();
    json_object_set_new(r, "infra",
                        rc < 0 ? judge_json_text(str_of(job.infra.text), JUDGE_TEXT_BYTES_MAX)
                               : json_null());
    judge_put_killed(&job, r);
    json_object_set_new(r, "reason", judge_reason(rc < 0 ? REASON_NONE : reason));
    json_object_set_new(r, "status", rc < 0 ? json_null() : json_string(status));
    json_object_set_new(r, "stdout", judge_json_text(printed(&job, 1), run.out_max));
    json_object_set_new(r, "stderr", judge_json_text(printed(&job, 2), run.out_max));
    json_object_set_new(r, "time",
                        json_pack("{s:f, s:f, s:n}", "cpu_ms", (double)job.cpu_us / 1e3, "wall_ms",
                                  (double)job.wall_us / 1e3, "speedup"));
    json_object_set_new(r, "memory_peak_kib", json_integer((json_int_t)job.memory_peak_kib));
    json_object_set_new(r, "isolation", judge_isolation(job.isolation));
    json_decref(job.failures);
    json_decref(job.lint);
    judge_guest_free(&job.guest);
    return r;
}
