/* main_judge.c: assay-judge, the process that knows the answers.
 *
 * Who: started by the verifier, one a slot, long-lived; a CPython that runs test code and
 * nothing of any program's. It gives up what it does not need before it reads its first job: no
 * new files, sockets or processes.
 * Descriptors: frames of JSON come in on 0 and go out on 1 (both moved away, so that a test's
 * print() or input() meets /dev/null); 2 is the verifier's log; 3 is the keeper.
 * Bytes: wire.h; SUITE, JOB and RESULT in verifier/judge.h. One job at a time, in order; the next
 * one may be sent ahead, and taken back until it is begun. A job
 * is answered whatever happens in it; when the keeper is lost the answer says so and the judge
 * exits, for a slot without a keeper is of no use. EOF on the input ends the judge. */
#include <Python.h>
#include <jansson.h>

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "sandbox.h"
#include "sandbox/interpreter.h"
#include "verifier/frames.h"
#include "verifier/judge.h"
#include "verifier/judge_derive.h"
#include "verifier/judge_framework.h"
#include "verifier/judge_job.h"
#include "verifier/judge_mirror.h"
#include "verifier/judge_numpy.h"
#include "verifier/judge_prepare.h"
#include "verifier/judge_proxy.h"
#include "verifier/judge_sleep.h"
#include "verifier/judge_watch.h"
#include "verifier/question.h"

enum { HELLO_WAIT_S = 20, LARGE_BYTES = 512 << 10 };

static int send_frame(int fd, uint8_t type, uint32_t seq, struct str payload)
{
    struct wire_header h = {
        .len = (uint32_t)payload.len, .version = WIRE_VERSION, .type = type, .seq = seq};
    struct buf out = {0};
    if (payload.len > WIRE_JOB_BYTES_MAX)
        return -E2BIG;
    buf_add(&out, &h, sizeof h);
    buf_str(&out, payload);
    int rc = frames_write(fd, out.s, out.len);
    buf_free(&out);
    return rc;
}

static int send_json(int fd, uint8_t type, uint32_t seq, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    CHECK(text != NULL);
    int rc = send_frame(fd, type, seq, str_of(text));
    free(text);
    return rc;
}

/* Moves a descriptor out of the way of test code and leaves /dev/null in its place. */
static int move_descriptor(int fd, int null)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    if (moved < 0 || dup2(null, fd) < 0)
        return -errno;
    return moved;
}

static int start(uint32_t *ret_isolation, struct err *err)
{
    struct interpreter_options options = interpreter_options_env();
    struct keeper_hello hello;
    /* Left alone, the first large answer raises this threshold, and the next ones leave holes in the
     * heap that stay. */
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    TRY(interpreter_start(&options, err));
    if (judge_prepare_init() < 0 || judge_derive_init() < 0 || judge_framework_init() < 0 ||
        judge_mirror_init() < 0 || judge_proxy_init() < 0 || judge_names_init() < 0 ||
        judge_numpy_init() < 0)
        return interpreter_error(err, -ENOEXEC, "judge");
    TRY(judge_watch_init(err));
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return err_set(err, -errno, "signal: %s", strerror(errno));
    judge_watch_open((int64_t)HELLO_WAIT_S * NS_PER_S, NULL, -1);
    int rc = judge_keeper_hello(&hello, err);
    judge_watch_close();
    TRY(rc);
    if (hello.python_hex != PY_VERSION_HEX)
        return err_set(err, -EPROTO, "the keeper's Python is another (%08x, %08x here)",
                       hello.python_hex, PY_VERSION_HEX);
    return sbx_confine_helper(SBX_HELPER_JUDGE, ret_isolation, err);
}

static json_t *answer(const json_t *request, uint32_t seq, int out)
{
    const char *op = json_string_value(json_object_get(request, "op"));
    if (op && strcmp(op, "grade") == 0)
        return judge_grade(request, seq, out);
    if (op && strcmp(op, "run") == 0)
        return judge_run(request);
    if (op && strcmp(op, "generate") == 0)
        return judge_generate(request);
    if (op && strcmp(op, "inspect") == 0)
        return judge_inspect(request);
    return json_pack("{s:s}", "infra", "a job of an unknown kind");
}

static void take_suite(const json_t *json)
{
    const char *key = json_string_value(json_object_get(json, "key"));
    json_t *suite = json_object_get(json, "suite");
    if (key && suite)
        judge_suite_put(key, suite);
}

static void take_core(const json_t *json)
{
    const json_t *core = json_object_get(json, "core");
    if (json_is_integer(core) && json_integer_value(core) <= INT_MAX)
        judge_keep_on((int)json_integer_value(core));
}

/* Answers a job, unless the verifier has taken it back meanwhile. */
static int serve_job(struct frames *in, int out, uint32_t seq, const json_t *request)
{
    if (frames_find(in, WIRE_BACK, seq))
        return send_frame(out, WIRE_BACK, seq, STR(""));
    judge_sleep_open(out, seq);
    json_t *result =
        request ? answer(request, seq, out) : json_pack("{s:s}", "infra", "a job that is no JSON");
    judge_sleep_close();
    int rc = send_json(out, WIRE_RESULT, seq, result);
    json_decref(result);
    return judge_keeper_lost() ? -EIO : rc;
}

/* Serves until the input ends. */
static int serve(int fd, int out)
{
    struct frames in = {.fd = fd};
    struct wire_header h;
    struct str payload;
    int rc;
    while ((rc = frames_next(&in, &h, &payload)) > 0) {
        json_t *json = question_read(payload);
        if (h.type == WIRE_SUITE)
            take_suite(json);
        else if (h.type == WIRE_CORE)
            take_core(json);
        else if (h.type == WIRE_JOB)
            rc = serve_job(&in, out, h.seq, json);
        json_decref(json);
        if (rc < 0)
            break;
    }
    frames_free(&in);
    return rc;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    uint32_t isolation = 0;
    (void)argv;
    if (argc != 1) {
        fprintf(stderr, "usage: assay-judge    (started by assay-verifier: frames on 0 and 1, its "
                        "keeper on 3)\n");
        return 2;
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int in = null < 0 ? -errno : move_descriptor(STDIN_FILENO, null);
    int out = in < 0 ? in : move_descriptor(STDOUT_FILENO, null);
    if (out < 0) {
        LOG_ERROR("judge: descriptors: %s", strerror(-out));
        return 1;
    }
    if (start(&isolation, &err) < 0) {
        LOG_ERROR("judge: %s", err.text);
        return 1;
    }
    json_t *hello = json_pack("{s:s, s:s, s:o}", "name", "judge", "python", PY_VERSION, "isolation",
                              judge_isolation(isolation));
    int rc = send_json(out, WIRE_HELLO, 0, hello);
    json_decref(hello);
    if (rc == 0)
        rc = serve(in, out);
    if (rc < 0)
        LOG_ERROR("judge: %s", strerror(-rc));
    return rc < 0;
}
