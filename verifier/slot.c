/* slot.c: the life of one slot: start, wait for HELLO, run one task at a time, and start again
 * after any failure.
 *
 *   DOWN --timer--> STARTING --HELLO--> IDLE <--RESULT--/--slot_run--> BUSY
 *     ^----------------- died, overran, spoke nonsense -------------------'
 *
 * A judge slot is two processes joined by one SOCK_SEQPACKET pair (descriptor 3 of both). They
 * live and die together: whichever fails, both are killed, because neither is of use without the
 * other. */
#include "slot.h"

#include <sys/socket.h>
#include <unistd.h>

#include "judge.h"
#include "wire.h"

enum {
    SLOT_MAGIC = 0x534c4f54,
    START_MS_MAX = 30000,
    BACKOFF_MS = 50,
    BACKOFF_MS_MAX = 5000,
    KILLED_MS = 100,
    /* The judge drops its least recently used suite past JUDGE_SUITES_MAX. Forgetting all of ours
     * at half of that and sending them anew means that what we believe it holds is always among
     * its most recent ones. */
    SUITES_REMEMBERED = JUDGE_SUITES_MAX / 2,
};

static struct slot *slot_of(void *p)
{
    struct slot *s = p;
    CHECK(s && s->magic == SLOT_MAGIC);
    return s;
}

static void on_timer(uv_timer_t *timer);

/* Without its judge a keeper that is well ends by itself, and its guest before it. */
static void drop_helpers(struct slot *s, void (*drop_keeper)(struct helper *))
{
    if (s->speaker)
        helper_stop(s->speaker);
    if (s->keeper)
        drop_keeper(s->keeper);
    s->speaker = s->keeper = NULL;
    if (s->suites)
        json_object_clear(s->suites);
}

/* How long to wait before the next start. Time mends nothing where somebody kills the helpers: then it
 * comes soon, and the tries are not counted. */
static uint64_t pause_ms(struct slot *s, bool killed)
{
    bool starting = s->state == SLOT_STARTING;
    if (killed)
        return starting ? KILLED_MS : 0;
    s->stillborn += starting;
    int shift = s->failures < 8 ? s->failures : 8;
    uint64_t wait = s->failures++ == 0 ? 0 : (uint64_t)BACKOFF_MS << shift;
    return wait < BACKOFF_MS_MAX ? wait : BACKOFF_MS_MAX;
}

static void end(struct slot *s, const char *why, bool killed)
{
    struct task *t = s->task;
    uint64_t pause = pause_ms(s, killed);
    char copy[200];
    snprintf(copy, sizeof copy, "%s", why);
    drop_helpers(s, helper_stop);
    if (s->state == SLOT_IDLE)
        queue_remove(&s->idle);
    if (s->state == SLOT_IDLE || s->state == SLOT_BUSY)
        s->up_ms = uv_now(s->timer.loop);
    s->task = NULL;
    s->state = SLOT_DOWN;
    uv_timer_start(&s->timer, on_timer, pause, 0);
    pool__slot_failed(s, t, copy);
}

static void fail(struct slot *s, const char *why)
{
    end(s, why, false);
}

static void on_gone(void *ctx, const char *why, bool killed)
{
    end(slot_of(ctx), why, killed);
}

static void on_hello(struct slot *s, struct str payload)
{
    json_decref(s->hello);
    s->hello = json_loadb(payload.s, payload.len, 0, NULL);
    s->state = SLOT_IDLE;
    s->stillborn = 0;
    uv_timer_stop(&s->timer);
    pool__slot_ready(s);
}

static void on_result(struct slot *s, struct str payload)
{
    struct task *t = s->task;
    json_t *result = json_loadb(payload.s, payload.len, JSON_ALLOW_NUL, NULL);
    if (!json_is_object(result)) {
        json_decref(result);
        fail(s, "a helper's answer was not a JSON object");
        return;
    }
    s->task = NULL;
    s->state = SLOT_IDLE;
    uv_timer_stop(&s->timer);
    bool odd = json_is_string(json_object_get(result, "infra")) &&
               !json_is_true(json_object_get(result, "lasting"));
    /* A judge may say that its keeper has died before we are told: the next try would meet the same
     * end here. */
    if (odd)
        fail(s, "a helper met a fault of ours");
    else
        s->failures = 0;
    pool__slot_answered(s, t, result);
}

static void on_frame(void *ctx, unsigned type, uint32_t seq, struct str payload)
{
    struct slot *s = slot_of(ctx);
    if (type == WIRE_HELLO && s->state == SLOT_STARTING)
        on_hello(s, payload);
    else if (type == WIRE_RESULT && s->state == SLOT_BUSY && seq == s->seq)
        on_result(s, payload);
    else
        fail(s, "a helper spoke out of turn");
}

static int start_helpers(struct slot *s, struct err *err)
{
    static const struct helper_events events = {on_frame, on_gone};
    struct helper_spec speaker = {.program = s->kind == POOL_JUDGE ? "assay-judge" : "assay-lint",
                                  .frames = true,
                                  .fd3 = -1,
                                  .events = &events,
                                  .ctx = s};
    struct helper_spec keeper = {.program = "assay-keeper", .fd3 = -1, .events = &events, .ctx = s};
    int pair[2] = {-1, -1};
    if (s->kind == POOL_JUDGE) {
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
            return err_set(err, -errno, "cannot make a socket pair: %s", strerror(errno));
        speaker.fd3 = pair[0];
        keeper.fd3 = pair[1];
        s->keeper = helper_start(s->timer.loop, &keeper, err);
    }
    if (s->kind != POOL_JUDGE || s->keeper)
        s->speaker = helper_start(s->timer.loop, &speaker, err);
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
    return s->speaker ? 0 : err->code;
}

static void start(struct slot *s)
{
    struct err err;
    s->state = SLOT_STARTING;
    if (start_helpers(s, &err) < 0) {
        fail(s, err.text);
        return;
    }
    uv_timer_start(&s->timer, on_timer, START_MS_MAX, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct slot *s = slot_of(timer->data);
    if (s->state == SLOT_DOWN)
        start(s);
    else if (s->state == SLOT_STARTING)
        fail(s, "a helper did not come up");
    else
        fail(s, "a helper overran its time");
}

static int append(const char *bytes, size_t n, void *out)
{
    buf_add(out, bytes, n);
    return 0;
}

/* Takes the reference of `value`. */
static void send_json(struct slot *s, unsigned type, json_t *value)
{
    struct buf payload = {0};
    CHECK(json_dump_callback(value, append, &payload, JSON_COMPACT) == 0);
    helper_send(s->speaker, type, s->seq, &payload);
    json_decref(value);
}

bool slot_holds(const struct slot *s, const struct task *t)
{
    return !t->suite_key || json_object_get(s->suites, t->suite_key);
}

void slot_run(struct slot *s, struct task *t)
{
    CHECK(s->state == SLOT_IDLE);
    s->state = SLOT_BUSY;
    s->task = t;
    s->seq++;
    if (!slot_holds(s, t)) {
        if (json_object_size(s->suites) >= SUITES_REMEMBERED)
            json_object_clear(s->suites);
        json_object_set_new(s->suites, t->suite_key, json_true());
        send_json(s, WIRE_SUITE, json_pack("{s:s, s:O}", "key", t->suite_key, "suite", t->suite));
    }
    send_json(s, WIRE_JOB, json_incref(t->question));
    uv_timer_start(&s->timer, on_timer, (uint64_t)t->limit_ms, 0);
}

void slot_init(struct slot *s, struct pool *pool, enum pool_kind kind, uv_loop_t *loop)
{
    *s = (struct slot){.magic = SLOT_MAGIC, .pool = pool, .kind = kind, .suites = json_object()};
    queue_init(&s->idle);
    uv_timer_init(loop, &s->timer);
    s->up_ms = uv_now(loop);
    s->timer.data = s;
    uv_timer_start(&s->timer, on_timer, 0, 0);
}

void slot_stop(struct slot *s)
{
    bool well = s->state == SLOT_IDLE || s->state == SLOT_BUSY;
    drop_helpers(s, well ? helper_dismiss : helper_stop);
    json_decref(s->suites);
    json_decref(s->hello);
    s->suites = s->hello = NULL;
    uv_close((uv_handle_t *)&s->timer, NULL);
}
