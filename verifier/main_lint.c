/* main_lint.c: assay-lint, the process in which grammars meet hostile text.
 *
 * A child of the verifier, long-lived, running as its user. Descriptors: 0 takes frames of
 * wire.h (WIRE_JOB), 1 gives them (WIRE_HELLO once, then WIRE_RESULT with the job's seq); 2 is
 * the verifier's stderr. After the grammars are loaded and one text was parsed, so that all
 * memory arenas exist, the process confines itself to read, write, anonymous memory and exit. It
 * ends when its input does; a frame that the protocol does not know ends it with status 1. A
 * text that crashes a grammar is answered from the signal handler. It holds no secret: texts
 * come in, languages go out. */
#include <jansson.h>
#include <signal.h>
#include <unistd.h>

#include "base/str.h"
#include "linter.h"
#include "question.h"
#include "sandbox.h"
#include "wire.h"

static volatile uint32_t current_seq;
static volatile sig_atomic_t answering;

/* A grammar fell over the text in hand. That is the text's doing, not a fault of ours to be
 * retried, so it still gets an answer: called Python, for CPython to judge. Only write and _exit
 * are used; a new process takes over from a clean memory. */
static void on_crash(int signal_number)
{
    static const char answer[] =
        "{\"language\":\"python\",\"parses\":false,\"defines\":[],\"diagnostics\":[]}";
    struct wire_header head = {
        .len = sizeof answer - 1, .version = WIRE_VERSION, .type = WIRE_RESULT, .seq = current_seq};
    (void)signal_number;
    if (!answering || write(STDOUT_FILENO, &head, sizeof head) != sizeof head ||
        write(STDOUT_FILENO, answer, head.len) != head.len)
        _exit(1);
    _exit(0);
}

static void catch_crashes(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    static char stack[64 << 10];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_RESETHAND};
    CHECK(sigaltstack(&alternate, NULL) == 0);
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        CHECK(sigaction(signals[i], &action, NULL) == 0);
}

/* 1 when filled, 0 at the end of input before the first byte, a negative errno otherwise. */
static int read_full(int fd, void *bytes, size_t n)
{
    size_t have = 0;
    while (have < n) {
        ssize_t got = read(fd, (char *)bytes + have, n - have);
        if (got == 0)
            return have ? -EPIPE : 0;
        if (got < 0 && errno != EINTR)
            return -errno;
        have += got > 0 ? (size_t)got : 0;
    }
    return 1;
}

static int write_full(int fd, const void *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t put = write(fd, (const char *)bytes + done, n - done);
        if (put < 0 && errno != EINTR)
            return -errno;
        done += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

static int append(const char *bytes, size_t n, void *out)
{
    buf_add(out, bytes, n);
    return 0;
}

/* In one write: two would wake the verifier twice. */
static int send_json(unsigned type, uint32_t seq, json_t *value)
{
    struct wire_header head = {.version = WIRE_VERSION, .type = (uint8_t)type, .seq = seq};
    struct buf frame = {0};
    buf_add(&frame, &head, sizeof head);
    CHECK(json_dump_callback(value, append, &frame, JSON_COMPACT) == 0);
    head.len = (uint32_t)(frame.len - sizeof head);
    memcpy(frame.s, &head, sizeof head);
    int rc = write_full(STDOUT_FILENO, frame.s, frame.len);
    buf_free(&frame);
    json_decref(value);
    return rc;
}

static int send_hello(uint32_t isolation)
{
    json_t *names = json_array();
    for (int bit = 0; bit < SBX_ISOLATION_COUNT; bit++)
        if (isolation & 1u << bit)
            json_array_append_new(names, json_string(sbx_isolation_name(bit)));
    return send_json(WIRE_HELLO, 0,
                     json_pack("{s:s, s:n, s:o}", "name", "lint", "python", "isolation", names));
}

/* One job in, one result out. 1 to go on, 0 at the end of input. */
static int serve_one(struct linter *l, struct buf *payload)
{
    struct wire_header head;
    int rc = read_full(STDIN_FILENO, &head, sizeof head);
    if (rc <= 0)
        return rc;
    if (head.version != WIRE_VERSION || head.type != WIRE_JOB || head.len > WIRE_JOB_BYTES_MAX)
        return -EPROTO;
    buf_clear(payload);
    buf_reserve(payload, head.len);
    if (head.len && (rc = read_full(STDIN_FILENO, payload->s, head.len)) <= 0)
        return rc < 0 ? rc : -EPIPE;
    json_t *job = question_read(str_make(payload->s, head.len));
    if (!json_is_string(json_object_get(job, "text"))) {
        json_decref(job);
        return -EPROTO;
    }
    current_seq = head.seq;
    answering = 1;
    json_t *result = linter_run(l, job);
    answering = 0;
    rc = send_json(WIRE_RESULT, head.seq, result);
    json_decref(job);
    return rc < 0 ? rc : 1;
}

static void warm_up(struct linter *l)
{
    json_t *job =
        json_pack("{s:s}", "text", "def f(x):\n    return x +\nint main() { return 0; }\n");
    json_decref(linter_run(l, job));
    json_decref(job);
}

int main(void)
{
    struct linter l;
    struct buf payload = {0};
    struct err err = {0};
    uint32_t isolation = 0;
    linter_open(&l);
    warm_up(&l);
    catch_crashes();
    int rc = sbx_confine_helper(SBX_HELPER_LINT, &isolation, &err);
    if (rc < 0) {
        fprintf(stderr, "assay-lint: %s\n", err.text);
        return 1;
    }
    rc = send_hello(isolation);
    if (rc == 0)
        while ((rc = serve_one(&l, &payload)) > 0)
            ;
    buf_free(&payload);
    linter_close(&l);
    return rc < 0;
}
