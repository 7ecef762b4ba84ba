/* judge_stdio.c: whole programs on real pipes: a fresh guest for each input.
 *
 * The guest compiles the text and says on its socket whether it could, then runs it with
 * descriptors 0, 1 and 2 on pipes whose other ends are here. One poll loop feeds stdin and
 * drains both outputs until the keeper reports the end; nothing of what is printed is taken for
 * anything but output. Past the output limit the guest is killed. */
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "verifier/judge.h"
#include "verifier/judge_job.h"
#include "verifier/judge_proxy.h"
#include "verifier/judge_text.h"
#include "verifier/judge_watch.h"

enum { READ_BYTES = 64 << 10, STDERR_TAIL_BYTES = 8 << 10 };

/* One run of one program: what went in and what came out. */
struct run {
    struct str input;
    size_t written;
    struct buf out, err;
    size_t out_max;
    bool keep_errors; /* all of stderr up to out_max, else only its tail */
    bool flooded;
};

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

static void keep_tail(struct buf *b)
{
    if (b->len <= 2 * STDERR_TAIL_BYTES)
        return;
    size_t cut = b->len - STDERR_TAIL_BYTES;
    memmove(b->s, b->s + cut, STDERR_TAIL_BYTES + 1);
    b->len = STDERR_TAIL_BYTES;
}

/* Reads what is there. Closes the end at EOF. */
static void drain(struct judge_guest *g, struct run *run, int which)
{
    struct buf *into = which == 1 ? &run->out : &run->err;
    buf_reserve(into, READ_BYTES);
    ssize_t n = read(g->pipes[which], into->s + into->len, READ_BYTES);
    if (n > 0) {
        into->len += (size_t)n;
        into->s[into->len] = 0;
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_end(&g->pipes[which]);
    }
    if (which == 2 && !run->keep_errors)
        keep_tail(into);
    else if (into->len > run->out_max)
        run->flooded = true;
}

/* Runs until the keeper has reported the guest's end. 0, GUEST_OVER (flood, deadline) or infra. */
static int pump(struct judge_job *job, struct run *run)
{
    struct judge_guest *g = &job->guest;
    for (int i = 0; i < 3; i++)
        (void)fcntl(g->pipes[i], F_SETFL, O_NONBLOCK);
    while (!g->exited) {
        struct pollfd fds[4] = {
            {.fd = JUDGE_KEEPER_FD, .events = POLLIN},
            {.fd = g->pipes[0], .events = POLLOUT},
            {.fd = g->pipes[1], .events = POLLIN},
            {.fd = g->pipes[2], .events = POLLIN},
        };
        if (poll(fds, 4, -1) < 0 && errno != EINTR)
            return err_set(&job->infra, -errno, "poll: %s", strerror(errno));
        if (judge_watch_expired())
            return judge_guest_fail(g, REASON_TIME_LIMIT, "no end within the wall clock limit");
        if (fds[1].revents)
            feed(g, run);
        for (int i = 1; i < 3; i++)
            if (fds[i + 1].revents)
                drain(g, run, i);
        if (run->flooded)
            return judge_guest_fail(g, REASON_OUTPUT_LIMIT, "more output than the limit allows");
        if (fds[0].revents)
            TRY(judge_guest_poll_exit(g, &job->infra));
    }
    /* All writers are dead; what they wrote may still lie in the pipes. */
    for (int i = 1; i < 3; i++)
        while (g->pipes[i] >= 0 && !run->flooded) {
            size_t before = i == 1 ? run->out.len : run->err.len;
            drain(g, run, i);
            if (g->pipes[i] >= 0 && (i == 1 ? run->out.len : run->err.len) <= before)
                break;
        }
    return run->flooded
               ? judge_guest_fail(g, REASON_OUTPUT_LIMIT, "more output than the limit allows")
               : 0;
}

/* The last line of a traceback names the exception. */
static enum reason reason_of_stderr(const struct buf *err, enum reason otherwise)
{
    struct str text = buf_view(err);
    while (text.len && text.s[text.len - 1] == '\n')
        text.len--;
    const char *line = memrchr(text.s, '\n', text.len);
    struct str last = line ? str_from(text, (size_t)(line + 1 - text.s)) : text;
    if (str_starts(last, STR("MemoryError")))
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
    TRY(judge_job_start_guest(job, limits, true));
    judge_session_begin(g, false);
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
        ended = reason_of_stderr(&run->err, ended);
    *ret_reason = ended;
    return 0;
}

static void fail_case(struct judge_job *job, enum reason reason, const struct run *run,
                      struct str expected)
{
    PyObject *got =
        PyUnicode_DecodeUTF8(run->out.s ? run->out.s : "", (Py_ssize_t)run->out.len, "replace");
    PyObject *want = PyUnicode_DecodeUTF8(expected.s, (Py_ssize_t)expected.len, "replace");
    struct str tail = buf_view(&run->err);
    if (tail.len > JUDGE_TEXT_BYTES_MAX)
        tail = str_from(tail, tail.len - JUDGE_TEXT_BYTES_MAX);
    struct buf message = {0};
    buf_str(&message, tail);
    judge_fail(job, reason, judge_json_text(run->input, JUDGE_TEXT_BYTES_MAX), got, want,
               message.len ? message.s : NULL);
    buf_free(&message);
    Py_XDECREF(got);
    Py_XDECREF(want);
    PyErr_Clear();
}

/* The checker has a window of its own: a `python` one is test code at work on the program's
 * output. */
static void check_case(struct judge_job *job, struct run *run, struct str expected)
{
    judge_watch_open((int64_t)(job->suite->limits.wall_s * 1e9), &job->last_words, job->frames_fd);
    int yes = judge_check_output(job->suite, run->input, buf_view(&run->out), expected);
    if (yes < 0)
        judge_fail_by_error(job, judge_json_text(run->input, JUDGE_TEXT_BYTES_MAX));
    else if (yes)
        judge_pass(job);
    else
        fail_case(job, REASON_WRONG_ANSWER, run, expected);
    judge_watch_close();
}

static struct str json_str(const json_t *json)
{
    return json ? str_make(json_string_value(json), json_string_length(json)) : STR("");
}

int judge_run_stdio(struct judge_job *job)
{
    struct judge_suite *s = job->suite;
    struct buf program = {0};
    bool stop = false;
    size_t i;
    json_t *one;
    int rc = 0;
    if (s->starter && job->with_starter) {
        buf_puts(&program, s->starter);
        buf_char(&program, '\n');
        for (const char *c = program.s; *c; c++)
            job->lines_before += *c == '\n';
    }
    buf_str(&program, job->program);
    json_array_foreach (s->stdio, i, one) {
        struct run run = {.input = json_str(json_object_get(one, "stdin")),
                          .out_max = (size_t)s->limits.output_kib << 10};
        struct str expected = json_str(json_object_get(one, "stdout"));
        enum reason reason = REASON_NONE;
        if (!stop)
            rc = run_program(job, buf_view(&program), &s->limits, &run, &reason);
        if (rc == 0 && !stop && reason == REASON_NONE)
            check_case(job, &run, expected);
        else if (rc == 0 && !stop)
            fail_case(job, reason, &run, expected);
        /* After a time-out or a text that does not compile the rest would only cost the same
         * again. */
        stop = stop || reason == REASON_TIME_LIMIT || reason == REASON_SYNTAX_ERROR;
        buf_free(&run.out);
        buf_free(&run.err);
        if (rc < 0)
            break;
    }
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
    json_object_set_new(r, "reason", judge_reason(rc < 0 ? REASON_NONE : reason));
    json_object_set_new(r, "status", rc < 0 ? json_null() : json_string(status));
    json_object_set_new(r, "stdout", judge_json_text(buf_view(&run.out), run.out_max));
    json_object_set_new(r, "stderr", judge_json_text(buf_view(&run.err), run.out_max));
    json_object_set_new(r, "time",
                        json_pack("{s:f, s:f, s:n}", "cpu_ms", (double)job.cpu_us / 1e3, "wall_ms",
                                  (double)job.wall_us / 1e3, "speedup"));
    json_object_set_new(r, "memory_peak_kib", json_integer((json_int_t)job.memory_peak_kib));
    json_object_set_new(r, "isolation", judge_isolation(job.isolation));
    json_decref(job.failures);
    json_decref(job.lint);
    buf_free(&run.out);
    buf_free(&run.err);
    buf_free(&job.guest.question);
    buf_free(&job.guest.input);
    return r;
}
