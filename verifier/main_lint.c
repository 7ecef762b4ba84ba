/* main_lint.c: assay-lint, the process in which grammars meet hostile text.
 *
 * A child of the verifier, long-lived, running as its user. Descriptors: 0 takes frames of
 * wire.h (WIRE_JOB), 1 gives them (WIRE_HELLO once, then WIRE_RESULT with the job's seq); 2 is
 * the verifier's stderr. After the grammars are loaded and one text was parsed, so that all
 * memory arenas exist, the process confines itself to read, write, anonymous memory and exit. It
 * ends when its input does; a frame that the protocol does not know ends it with status 1. It holds
 * no secret: texts come in, languages go out.
 *
 * Several texts may be sent ahead. They are answered in order, and while another one is at hand an
 * answer may wait for the next ones, so that a group of texts wakes the verifier a few times and not
 * once a text. A text that crashes a grammar is answered from the signal handler, behind the answers
 * that were held back until then; texts behind it were not begun, and the verifier asks about them
 * again. */
#include <jansson.h>
#include <signal.h>
#include <unistd.h>

#include "base/str.h"
#include "frames.h"
#include "linter.h"
#include "question.h"
#include "sandbox.h"
#include "wire.h"

enum { HELD_MAX = 4, HELD_BYTES_MAX = 32 << 10 };

static volatile uint32_t current_seq;
static volatile sig_atomic_t answering;
static struct buf held; /* whole frames, not yet written */
static int n_held;

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
    if (!answering || frames_write(STDOUT_FILENO, held.s, held.len) < 0 ||
        frames_write(STDOUT_FILENO, &head, sizeof head) < 0 ||
        frames_write(STDOUT_FILENO, answer, head.len) < 0)
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

static int append(const char *bytes, size_t n, void *out)
{
    buf_add(out, bytes, n);
    return 0;
}

static int flush(void)
{
    int rc = frames_write(STDOUT_FILENO, held.s, held.len);
    buf_clear(&held);
    n_held = 0;
    return rc;
}

static void hold(unsigned type, uint32_t seq, json_t *value)
{
    struct wire_header head = {.version = WIRE_VERSION, .type = (uint8_t)type, .seq = seq};
    const size_t at = held.len;
    buf_add(&held, &head, sizeof head);
    CHECK(json_dump_callback(value, append, &held, JSON_COMPACT) == 0);
    head.len = (uint32_t)(held.len - at - sizeof head);
    memcpy(held.s + at, &head, sizeof head);
    n_held++;
    json_decref(value);
}

static int send_hello(uint32_t isolation)
{
    json_t *names = json_array();
    for (int bit = 0; bit < SBX_ISOLATION_COUNT; bit++)
        if (isolation & 1u << bit)
            json_array_append_new(names, json_string(sbx_isolation_name(bit)));
    hold(WIRE_HELLO, 0, json_pack("{s:s, s:n, s:o}", "name", "lint", "python", "isolation", names));
    return flush();
}

/* One job in, one result out, now or with the next ones. 1 to go on, 0 at the end of input. */
static int serve_one(struct linter *l, struct frames *in)
{
    struct wire_header head;
    struct str payload;
    int rc = frames_next(in, &head, &payload);
    if (rc <= 0)
        return rc;
    json_t *job = head.type == WIRE_JOB ? question_read(payload) : NULL;
    if (!json_is_string(json_object_get(job, "text"))) {
        json_decref(job);
        return -EPROTO;
    }
    current_seq = head.seq;
    answering = 1;
    json_t *result = linter_run(l, job);
    answering = 0;
    hold(WIRE_RESULT, head.seq, result);
    json_decref(job);
    if (n_held >= HELD_MAX || held.len > HELD_BYTES_MAX || !frames_any(in))
        rc = flush();
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
    struct frames in = {.fd = STDIN_FILENO};
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
        while ((rc = serve_one(&l, &in)) > 0)
            ;
    frames_free(&in);
    buf_free(&held);
    linter_close(&l);
    return rc < 0;
}
