/* slot.c: the life of one slot: start, wait for HELLO, work on tasks one after the other, and start
 * again after any failure.
 *
 *   SPARE --slot_begin--> DOWN --timer--> STARTING --HELLO--> IDLE <--RESULT--/--slot_run--> BUSY
 *                          ^-------------- killed, overran, spoke nonsense --------------------|
 *                          '-------- timer, or word of a kill -------- ENDING <---- failed ----'
 *
 * A judge slot is two processes joined by one SOCK_SEQPACKET pair (descriptor 3 of both). They
 * live and die together: whichever fails, both are killed, because neither is of use without the
 * other. Who fell first matters: a helper that was killed from outside is no fault of the task that
 * it worked on, but its other half, which then ends by itself or says that the first is lost, looks
 * like one. So a failure is held back until the other's end is known, or for WORD_MS_MAX.
 *
 * `sent` holds the tasks that have no answer, in order, with consecutive numbers; why several, and who
 * is blamed, is said in pool.c. One that was taken back keeps its place without a task until the
 * judge has said what became of it, so that the slot counts as busy if that began it after all. */
#include "slot.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "judge.h"
#include "wire.h"

enum {
    SLOT_MAGIC = 0x534c4f54,
    START_MS_MAX = 30000,
    BACKOFF_MS = 50,
    BACKOFF_MS_MAX = 5000,
    KILLED_MS = 5,
    WORD_MS_MAX = 1000,
    PATIENCE_MS = 8, /* twice this, see lose_patience */
    JUDGE_SENT_MAX = 2,
    FILES_KEPT = 16, /* what one more start takes for a moment, and a few for whoever else opens */
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
    s->core = -1;
    if (s->suites)
        json_object_clear(s->suites);
}

/* How long to wait before the next start. Time mends nothing where somebody kills the helpers: then
 * it comes soon, and the tries are not counted. */
static uint64_t pause_ms(struct slot *s, bool killed)
{
    if (killed) {
        s->killed = s->was_up ? 0 : s->killed + 1;
        return s->was_up ? 0 : (uint64_t)KILLED_MS << (s->killed < 6 ? s->killed : 6);
    }
    s->stillborn += !s->was_up;
    int shift = s->failures < 8 ? s->failures : 8;
    uint64_t wait = s->failures++ == 0 ? 0 : (uint64_t)BACKOFF_MS << shift;
    return wait < BACKOFF_MS_MAX ? wait : BACKOFF_MS_MAX;
}

/* It takes no task any more. */
static void go_down(struct slot *s, enum slot_state state)
{
    if (s->state == SLOT_IDLE)
        queue_remove(&s->idle);
    if (s->state == SLOT_IDLE || s->state == SLOT_BUSY)
        s->up_ms = uv_now(s->timer.loop);
    s->state = state;
    s->asleep = false;
}

static void send_back(struct slot *s, int i)
{
    struct buf none = {0};
    helper_send(s->speaker, WIRE_BACK, s->seq + (uint32_t)i, &none);
}

/* Those behind the head go back to the pool, in order. Their answers, should they come, are nobody's.
 * `tell`: the judge, which is well. */
static void put_back(struct slot *s, bool tell)
{
    for (int i = s->n_sent - 1; i > 0; i--) {
        struct task *t = s->sent[i].task;
        if (!t)
            continue;
        s->sent[i].task = NULL;
        if (tell)
            send_back(s, i);
        pool__slot_put_back(s, t);
    }
}

void slot_recall(struct slot *s)
{
    put_back(s, true);
}

/* The head is answered. */
static struct task *drop_head(struct slot *s)
{
    struct task *t = s->sent[0].task;
    const uint64_t now = uv_now(s->timer.loop);
    s->n_sent--;
    memmove(s->sent, s->sent + 1, (size_t)s->n_sent * sizeof *s->sent);
    s->seq++;
    s->asleep = s->waited = false;
    s->took_ms = now - s->run_ms;
    s->run_ms = now;
    return t;
}

static void end(struct slot *s, const char *why, bool killed)
{
    char copy[sizeof s->why];
    snprintf(copy, sizeof copy, "%s", why);
    put_back(s, false);
    struct task *t = s->n_sent ? drop_head(s) : NULL;
    s->seq += (uint32_t)s->n_sent;
    s->n_sent = 0;
    drop_helpers(s, helper_stop);
    go_down(s, SLOT_DOWN);
    uv_timer_start(&s->timer, on_timer, pause_ms(s, killed), 0);
    pool__slot_failed(s, t, copy, killed);
}

static void fail(struct slot *s, const char *why)
{
    end(s, why, false);
}

/* This helper has failed. The other one, if there is one, ends soon, if it has not already, and the loop
 * may hear of that second. */
static void lose(struct slot *s, struct helper **failed, const char *why)
{
    helper_stop(*failed);
    *failed = NULL;
    if (s->state != SLOT_ENDING) {
        snprintf(s->why, sizeof s->why, "%s", why);
        put_back(s, false);
        go_down(s, SLOT_ENDING);
        uv_timer_start(&s->timer, on_timer, WORD_MS_MAX, 0);
    }
    if (!s->speaker && !s->keeper)
        fail(s, s->why);
    else
        pool__slot_rests(s);
}

static void on_gone(struct slot *s, struct helper **gone, const char *why, bool killed)
{
    if (killed)
        end(s, why, true);
    else
        lose(s, gone, why);
}

static void on_speaker_gone(void *ctx, const char *why, bool killed)
{
    struct slot *s = slot_of(ctx);
    on_gone(s, &s->speaker, why, killed);
}

static void on_keeper_gone(void *ctx, const char *why, bool killed)
{
    struct slot *s = slot_of(ctx);
    on_gone(s, &s->keeper, why, killed);
}

static void on_hello(struct slot *s, struct str payload)
{
    json_decref(s->hello);
    s->hello = json_loadb(payload.s, payload.len, 0, NULL);
    s->state = SLOT_IDLE;
    s->was_up = true;
    s->stillborn = s->killed = 0;
    uv_timer_stop(&s->timer);
    pool__slot_ready(s);
}

/* For the head: its limit, and before that what another behind it has patience for. */
static void arm(struct slot *s)
{
    const uint64_t now = uv_now(s->timer.loop), end_ms = s->run_ms + (uint64_t)s->sent[0].limit_ms;
    uint64_t left = end_ms > now ? end_ms - now : 0;
    if (s->kind == POOL_JUDGE && s->n_sent > 1 && s->sent[1].task && left > PATIENCE_MS)
        left = PATIENCE_MS;
    uv_timer_start(&s->timer, on_timer, left, 0);
}

/* The head is answered, and the next one has its turn: behind a sleeper, one that was taken back too
 * late, with which the slot works again. */
static void next(struct slot *s)
{
    const bool slept = s->asleep;
    drop_head(s);
    if (s->state == SLOT_BUSY && s->n_sent) {
        arm(s);
        if (slept)
            pool__slot_wakes(s);
    } else if (s->state == SLOT_BUSY) {
        s->state = SLOT_IDLE;
        uv_timer_stop(&s->timer);
    }
}

static void on_result(struct slot *s, struct str payload)
{
    struct task *t = s->sent[0].task;
    json_t *result = json_loadb(payload.s, payload.len, JSON_ALLOW_NUL, NULL);
    if (!json_is_object(result)) {
        json_decref(result);
        fail(s, "a helper's answer was not a JSON object");
        return;
    }
    if (t && t->answer) {
        buf_clear(t->answer);
        buf_str(t->answer, payload);
    }
    bool killed = json_is_string(json_object_get(result, "killed"));
    const char *infra = json_string_value(json_object_get(result, "infra"));
    if (infra && !killed && !json_is_true(json_object_get(result, "lasting"))) {
        /* The next try would meet the same end here. */
        lose(s, &s->speaker, infra);
        json_decref(result);
        return;
    }
    s->failures = 0;
    next(s);
    pool__slot_answered(s, t, result);
}

/* One that was taken back in time. */
static void on_back(struct slot *s)
{
    next(s);
    pool__slot_answered(s, NULL, NULL);
}

static void on_asleep(struct slot *s, struct str payload)
{
    json_t *json = json_loadb(payload.s, payload.len, 0, NULL);
    s->asleep = s->state == SLOT_BUSY && json_is_true(json_object_get(json, "asleep"));
    json_decref(json);
    if (!s->asleep) {
        pool__slot_wakes(s);
        return;
    }
    slot_recall(s);
    pool__slot_rests(s);
}

static void on_frame(void *ctx, unsigned type, uint32_t seq, struct str payload)
{
    struct slot *s = slot_of(ctx);
    const bool of_head = s->n_sent && seq == s->seq, judge = s->kind == POOL_JUDGE;
    if (type == WIRE_HELLO && s->state == SLOT_STARTING)
        on_hello(s, payload);
    else if (type == WIRE_RESULT && of_head)
        on_result(s, payload);
    else if (type == WIRE_ASLEEP && judge && of_head)
        on_asleep(s, payload);
    else if (type == WIRE_BACK && judge && of_head && !s->sent[0].task)
        on_back(s);
    else
        fail(s, "a helper spoke out of turn");
}

/* The last descriptors are not for one more slot: a pool's first one must be able to start again. */
static int leave_files(const struct slot *s, struct err *err)
{
    struct rlimit files;
    if (s->first)
        return 0;
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (lowest >= 0)
        close(lowest);
    bool few = lowest < 0 || (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
                              (rlim_t)lowest + FILES_KEPT > files.rlim_cur);
    return few ? err_set(err, -EMFILE, "too few open files for one more slot") : 0;
}

static int start_helpers(struct slot *s, struct err *err)
{
    static const struct helper_events events = {on_frame, on_speaker_gone};
    static const struct helper_events keeper_events = {NULL, on_keeper_gone};
    struct helper_spec speaker = {.program = s->kind == POOL_JUDGE ? "assay-judge" : "assay-lint",
                                  .frames = true,
                                  .fd3 = -1,
                                  .events = &events,
                                  .ctx = s};
    struct helper_spec keeper = {
        .program = "assay-keeper", .fd3 = -1, .events = &keeper_events, .ctx = s};
    int pair[2] = {-1, -1};
    if (leave_files(s, err) < 0)
        return err->code;
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
    s->was_up = false;
    if (start_helpers(s, &err) < 0) {
        fail(s, err.text);
        return;
    }
    uv_timer_start(&s->timer, on_timer, START_MS_MAX, 0);
}

/* One that waits behind a head that takes its time is for somebody else. The first alarm changes
 * nothing: where the verifier itself could not run for a while, the head's answer lies there and is
 * read before the second. */
static void lose_patience(struct slot *s)
{
    const bool again = s->waited;
    s->waited = true;
    if (again)
        slot_recall(s);
    arm(s);
    if (again)
        pool__slot_rests(s);
}

static void on_timer(uv_timer_t *timer)
{
    struct slot *s = slot_of(timer->data);
    if (s->state == SLOT_DOWN)
        start(s);
    else if (s->state == SLOT_STARTING)
        fail(s, "a helper did not come up");
    else if (s->state == SLOT_ENDING)
        fail(s, s->why);
    else if (uv_now(timer->loop) >= s->run_ms + (uint64_t)s->sent[0].limit_ms)
        fail(s, "a helper overran its time");
    else
        lose_patience(s);
}

/* `texts` may be NULL. */
static void send_question(struct slot *s, unsigned type, const json_t *json,
                          const struct question_text *texts)
{
    struct buf payload = {0};
    question_write(json, texts, &payload);
    helper_send(s->speaker, type, s->seq + (uint32_t)s->n_sent - 1, &payload);
}

bool slot_holds(const struct slot *s, const struct task *t)
{
    return !t->suite_key || json_object_get(s->suites, t->suite_key);
}

bool slot_wants_alone(const struct task *t)
{
    return t->alone || t->failures || t->kills;
}

bool slot_has_room(const struct slot *s)
{
    const struct task *head = s->sent[0].task;
    if (s->state != SLOT_BUSY || (head && slot_wants_alone(head)))
        return false;
    if (s->kind == POOL_LINT)
        return s->n_sent < SLOT_SENT_MAX;
    return s->n_sent < JUDGE_SENT_MAX && !s->asleep && !s->waited &&
           uv_now(s->timer.loop) - s->run_ms < PATIENCE_MS;
}

bool slot_take_back(struct slot *s, struct task *t)
{
    for (int i = 1; s->kind == POOL_JUDGE && i < s->n_sent; i++)
        if (s->sent[i].task == t) {
            s->sent[i].task = NULL;
            send_back(s, i);
            return true;
        }
    return false;
}

void slot_run(struct slot *s, struct task *t, int core)
{
    CHECK(s->state == SLOT_IDLE || slot_has_room(s));
    s->sent[s->n_sent++] = (struct sent){t, t->limit_ms};
    if (s->state == SLOT_IDLE) {
        s->state = SLOT_BUSY;
        s->run_ms = uv_now(s->timer.loop);
    }
    if (core >= 0 && core != s->core) {
        json_t *where = json_pack("{s:i}", "core", core);
        send_question(s, WIRE_CORE, where, NULL);
        json_decref(where);
        s->core = core;
    }
    if (!slot_holds(s, t)) {
        if (json_object_size(s->suites) >= SUITES_REMEMBERED)
            json_object_clear(s->suites);
        json_object_set_new(s->suites, t->suite_key, json_true());
        json_t *suite = json_pack("{s:s, s:O}", "key", t->suite_key, "suite", t->suite);
        send_question(s, WIRE_SUITE, suite, NULL);
        json_decref(suite);
    }
    send_question(s, WIRE_JOB, t->question, t->texts);
    if (s->n_sent == 1 || s->kind == POOL_JUDGE)
        arm(s);
}

void slot_init(struct slot *s, struct pool *pool, enum pool_kind kind, uv_loop_t *loop, bool first)
{
    *s = (struct slot){.magic = SLOT_MAGIC,
                       .state = SLOT_SPARE,
                       .pool = pool,
                       .kind = kind,
                       .first = first,
                       .seq = 1,
                       .core = -1,
                       .suites = json_object()};
    queue_init(&s->idle);
    uv_timer_init(loop, &s->timer);
    s->timer.data = s;
}

void slot_begin(struct slot *s)
{
    CHECK(s->state == SLOT_SPARE);
    s->state = SLOT_DOWN;
    s->up_ms = uv_now(s->timer.loop);
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
