/* pool.c: which slot gets which task, and when. The queue is ordered by rounds: each asker's first
 * task waits in the next one, its second in the one after that, and so on, and tasks of one round come
 * in the order in which they were submitted. So who asks for one thing waits for one task of everybody
 * else, however many they have. But a slot that already holds the suite of a task near the head of the
 * queue takes that one first, so that a group of completions of one problem compiles its tests once.
 * The head itself is passed over a bounded number of times.
 *
 * No more slots work at once than the pool was started with, which is the number of cores unless
 * somebody wants it otherwise: two programs on one core take twice the time of each, which limits by
 * the wall clock do not forgive. But one that sleeps needs no core. While its slot says so
 * (judge_sleep.c), another works: an idle one, or a spare one that is started now and stays. A sleeper
 * that wakes while all work makes one too many, until the next task ends. Of idle slots the one that
 * worked last is taken: its caches are warm, its suites compiled, and spare ones rest where nobody
 * sleeps.
 *
 * Where all work, a slot is sent tasks ahead: a linter several, a judge one. So a helper need not
 * wait for the loop between two tasks, and a linter's texts and answers come in groups, with one
 * waking for all. Tasks are worked on and answered in the order in which they were sent. The first
 * of a slot that has no answer, its head, is the one that it works on as far as anybody knows: the
 * limit is the head's, from when it became that, and so is the blame where the slot fails. Those
 * behind it were not begun, or nobody can tell; they go back to the front of the queue, in order,
 * and nothing is held against them. A linter keeps answers back for a moment, so that the head may be
 * innocent. Therefore whatever has failed, or was killed, is tried again alone: no other is sent
 * before or behind it. An innocent neighbour then has its answer, and who is guilty is sooner or later
 * the head, fails alone after that, and is done for.
 *
 * A task behind a judge's head must not wait for long, nor for a sleeper. It is taken back when the
 * head says that it sleeps or has worked for PATIENCE_MS (slot.c), and goes to whoever is free next;
 * and when a sleeper wakes and makes one too many, for whose head ends next must then rest.
 * The judge hears of that with WIRE_BACK, at the latest before it begins the task; if it has begun,
 * its answer is nobody's. A task that asks for it (a timed one) has its slot to itself throughout.
 *
 * And how often a task is tried. Whatever fails in a slot of its own accord may be the task's doing,
 * so that it gets one more try. A SIGKILL is nobody's own doing: somebody kills helpers, or the
 * kernel wants memory. The first strikes at random, and a long task more often than a short one; the
 * second may strike the same task always. So tries go on while they have together taken no longer
 * than a single one may, and while this task was not killed much more often than its neighbours
 * were meanwhile; then it is a fault of ours. Where only the program's own process was killed, and it
 * may have done that itself, the judge's finding stands after a few times. */
#include "pool.h"

#include <sched.h>

#include "cores.h"
#include "slot.h"

enum {
    TRIES = 2,
    KILLS_MAX = 16, /* more than its neighbours */
    KILLS_MAX_EVER = 256,
    OWN_KILLS_MAX = 4,
    STILLBORN_MAX = 5,
    DOWN_MS_MAX = 100000, /* without any slot, whatever the reason; some starts may time out */
    LOOK_AHEAD = 16,
    PASSED_OVER_MAX = 16,
};

struct pool {
    struct slot *slots;
    int n, at_once; /* all of them; how many may work */
    enum pool_kind kind;
    struct node queue, idle; /* idle: the last to work first */
    int queued, head_passed_over;
    uint64_t round;   /* of the head that was taken last */
    uv_timer_t sweep; /* answers what waits when no slot can start */
    struct cores cores;
    char broken[200]; /* why no slot can start, "" while one can */
    struct pool_stats stats;
    bool stopped;
};

int pool_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static struct task *head_of(const struct pool *p)
{
    return NODE_OWNER(p->queue.next, struct task, node);
}

static bool suits(const struct slot *s, const struct task *t)
{
    return slot_holds(s, t) && (s->state == SLOT_IDLE || !slot_wants_alone(t));
}

static struct task *take_for(struct pool *p, const struct slot *s)
{
    struct node *head = p->queue.next, *at = head;
    int look = p->head_passed_over < PASSED_OVER_MAX ? LOOK_AHEAD : 0;
    while (look > 0 && at != &p->queue && !suits(s, NODE_OWNER(at, struct task, node))) {
        at = at->next;
        look--;
    }
    if (look == 0 || at == &p->queue)
        at = head;
    p->head_passed_over = at == head ? 0 : p->head_passed_over + 1;
    uint64_t round = head_of(p)->round;
    p->round = round > p->round ? round : p->round; /* one that is tried again is of none */
    queue_remove(at);
    p->queued--;
    return NODE_OWNER(at, struct task, node);
}

static bool works(const struct slot *s)
{
    return s->state == SLOT_BUSY && !s->asleep;
}

/* Where the slot's next task runs. A linter's texts are too short to be worth a choice. */
static int core_for(struct pool *p, const struct slot *s)
{
    if (p->kind != POOL_JUDGE)
        return -1;
    cores_look(&p->cores, uv_now(p->sweep.loop));
    for (int i = 0; i < p->n; i++)
        if (&p->slots[i] != s && works(&p->slots[i]))
            cores_count(&p->cores, p->slots[i].core);
    int core = cores_choose(&p->cores, s->core);
    p->stats.moves += s->core >= 0 && core >= 0 && core != s->core;
    return core;
}

static int at_work(const struct pool *p)
{
    int n = 0;
    for (int i = 0; i < p->n; i++)
        n += works(&p->slots[i]);
    return n;
}

/* One more slot is begun, if those that are not asleep were too few even if all were idle. */
static void miss_slot(struct pool *p)
{
    struct slot *spare = NULL;
    int awake = 0;
    for (int i = p->n - 1; i >= 0; i--) {
        struct slot *s = &p->slots[i];
        awake += s->state != SLOT_SPARE && !s->asleep;
        spare = s->state == SLOT_SPARE ? s : spare;
    }
    if (spare && awake < p->at_once)
        slot_begin(spare);
}

/* For the head of the queue: an idle slot, if one more may work; if just so many do, one to send it
 * ahead to. */
static struct slot *choose(struct pool *p)
{
    struct slot *best = NULL;
    const int n_work = at_work(p);
    if (n_work > p->at_once)
        return NULL;
    if (n_work < p->at_once) {
        struct node *n = queue_pop(&p->idle);
        if (n)
            return NODE_OWNER(n, struct slot, idle);
        miss_slot(p);
    }
    for (int i = 0; i < p->n && !slot_wants_alone(head_of(p)); i++) {
        struct slot *s = &p->slots[i];
        if (slot_has_room(s) && (!best || s->n_sent < best->n_sent))
            best = s;
    }
    return best;
}

static void dispatch(struct pool *p)
{
    struct slot *s;
    while (!p->stopped && !queue_empty(&p->queue) && (s = choose(p)))
        slot_run(s, take_for(p, s), core_for(p, s));
}

static void on_sweep(uv_timer_t *timer)
{
    struct pool *p = timer->data;
    struct node *n;
    while (p->broken[0] && !p->stopped && (n = queue_pop(&p->queue))) {
        struct task *t = NODE_OWNER(n, struct task, node);
        p->queued--;
        t->done(t, NULL, p->broken);
    }
}

/* Behind all of its round and of those before. */
static void enqueue(struct pool *p, struct task *t)
{
    struct node *at = &p->queue;
    while (at->prev != &p->queue && NODE_OWNER(at->prev, struct task, node)->round > t->round)
        at = at->prev;
    queue_push(at, &t->node);
    p->queued++;
    if (p->broken[0])
        uv_timer_start(&p->sweep, on_sweep, 0, 0);
}

void pool_submit(struct pool *p, struct task *t)
{
    CHECK(!p->stopped && t->limit_ms > 0 && t->done);
    t->failures = t->kills = 0;
    t->killed_ms = 0;
    t->kills_before = p->stats.kills;
    t->round = p->round + 1;
    if (t->asker) {
        uint64_t *next = &t->asker->next[p->kind];
        t->round = *next > t->round ? *next : t->round;
        *next = t->round + 1;
    }
    enqueue(p, t);
    dispatch(p);
}

bool pool_cancel(struct pool *p, struct task *t)
{
    for (int i = 0; i < p->n; i++)
        for (int k = 0; k < p->slots[i].n_sent; k++)
            if (p->slots[i].sent[k].task == t)
                return slot_take_back(&p->slots[i], t);
    queue_remove(&t->node);
    p->queued--;
    return true;
}

void pool__slot_ready(struct slot *s)
{
    struct pool *p = s->pool;
    p->broken[0] = 0;
    queue_push_front(&p->idle, &s->idle);
    dispatch(p);
}

void pool__slot_rests(struct slot *s)
{
    dispatch(s->pool);
}

void pool__slot_wakes(struct slot *s)
{
    struct pool *p = s->pool;
    for (int i = 0; at_work(p) > p->at_once && i < p->n; i++)
        slot_recall(&p->slots[i]);
}

void pool__slot_put_back(struct slot *s, struct task *t)
{
    struct pool *p = s->pool;
    t->round = 0;
    queue_push_front(&p->queue, &t->node);
    p->queued++;
}

/* The pool has counted this kill already. Whether there may be another try. */
static bool killed_again(struct slot *s, struct task *t, bool perhaps_itself)
{
    t->kills++;
    t->killed_ms += (int64_t)s->took_ms;
    long others = s->pool->stats.kills - t->kills_before - t->kills;
    long most = perhaps_itself ? OWN_KILLS_MAX : KILLS_MAX + others;
    return t->kills < most && t->kills < KILLS_MAX_EVER && t->killed_ms < t->limit_ms;
}

/* One more try for a task, or its answer. */
static void settle(struct pool *p, struct task *t, bool again, json_t *result, const char *infra)
{
    if (again) {
        p->stats.retried++;
        t->round = 0;
        enqueue(p, t);
    } else {
        p->stats.answered++;
        t->done(t, infra ? NULL : json_incref(result), infra);
    }
}

void pool__slot_answered(struct slot *s, struct task *t, json_t *result)
{
    struct pool *p = s->pool;
    const char *infra = json_string_value(json_object_get(result, "infra"));
    const char *killed = json_string_value(json_object_get(result, "killed"));
    bool again;
    if (s->state == SLOT_IDLE)
        queue_push_front(&p->idle, &s->idle);
    if (!t) {
        json_decref(result);
        dispatch(p);
        return;
    }
    p->stats.kills += killed != NULL;
    bool surely = killed && strcmp(killed, "surely") == 0;
    if (killed)
        again = killed_again(s, t, !surely);
    else /* a lasting fault is the problem's own: another try would say the same */
        again = infra && !json_is_true(json_object_get(result, "lasting")) && ++t->failures < TRIES;
    if (!again)
        dispatch(p); /* the slot works on while its answer is */
    settle(p, t, again, result, infra || !surely ? infra : "somebody kills the program's process");
    json_decref(result);
    dispatch(p);
}

void pool__slot_failed(struct slot *s, struct task *t, const char *why, bool killed)
{
    struct pool *p = s->pool;
    bool any_up = false, untried = false;
    uint64_t up_ms = 0; /* when one was last up */
    p->stats.restarts++;
    p->stats.kills += killed;
    for (int i = 0; i < p->n; i++) {
        const struct slot *at = &p->slots[i];
        any_up = any_up || at->state == SLOT_IDLE || at->state == SLOT_BUSY;
        untried = untried || (at->state != SLOT_SPARE && at->stillborn < STILLBORN_MAX);
        up_ms = at->up_ms > up_ms ? at->up_ms : up_ms;
    }
    bool long_down = uv_now(s->timer.loop) - up_ms > DOWN_MS_MAX;
    if (!any_up && (!untried || long_down)) {
        snprintf(p->broken, sizeof p->broken, "%s", why);
        uv_timer_start(&p->sweep, on_sweep, 0, 0);
    }
    if (t)
        settle(p, t, killed ? killed_again(s, t, false) : ++t->failures < TRIES, NULL, why);
    dispatch(p);
}

struct pool_stats pool_stats(const struct pool *p)
{
    struct pool_stats st = p->stats;
    st.slots = p->at_once;
    st.queued = p->queued;
    for (int i = 0; i < p->n; i++) {
        st.busy += p->slots[i].state == SLOT_BUSY;
        st.asleep += p->slots[i].asleep;
        for (int k = 1; k < p->slots[i].n_sent; k++)
            st.ahead += p->slots[i].sent[k].task != NULL;
        st.begun += p->slots[i].state != SLOT_SPARE;
        st.ready += p->slots[i].state == SLOT_BUSY || p->slots[i].state == SLOT_IDLE;
    }
    return st;
}

const json_t *pool_hello(const struct pool *p)
{
    for (int i = 0; i < p->n; i++)
        if (p->slots[i].hello)
            return p->slots[i].hello;
    return NULL;
}

struct pool *pool_start(uv_loop_t *loop, enum pool_kind kind, int n, int spares)
{
    struct pool *p = xcalloc(1, sizeof *p);
    p->n = n + spares;
    p->at_once = n;
    p->kind = kind;
    p->slots = xcalloc((size_t)p->n, sizeof *p->slots);
    queue_init(&p->queue);
    queue_init(&p->idle);
    uv_timer_init(loop, &p->sweep);
    p->sweep.data = p;
    if (kind == POOL_JUDGE)
        cores_open(&p->cores);
    for (int i = 0; i < p->n; i++)
        slot_init(&p->slots[i], p, kind, loop, i == 0);
    for (int i = 0; i < n; i++)
        slot_begin(&p->slots[i]);
    return p;
}

void pool_stop(struct pool *p)
{
    p->stopped = true;
    for (int i = 0; i < p->n; i++)
        slot_stop(&p->slots[i]);
    uv_close((uv_handle_t *)&p->sweep, NULL);
}

void pool_free(struct pool *p)
{
    cores_close(&p->cores);
    free(p->slots);
    free(p);
}
