/* The actors of the simulation in verifier_slots.c, which includes this file alone: what a judge, a linter
 * and a keeper do when they are asked, what they plan to do, and what the verifier must take them for
 * meanwhile.
 *
 * `asked` of a judge or linter is kept as the verifier sees it: a question joins when it leaves the
 * verifier and goes with its answer, whenever that is said. So its first is whom the verifier must blame
 * when it gives the slot up. */
#ifndef ASSAY_SIM_ACTORS_H
#define ASSAY_SIM_ACTORS_H

/* ---- actors ---------------------------------------------------------------------------------- */

/* A question that the verifier has no answer to. */
struct asked {
    int program;
    uint32_t seq;
    int64_t at;       /* when it left */
    bool taken, told; /* back; and the actor knows */
};

struct actor {
    enum kind kind;
    int pid;               /* 0: free */
    uv_process_t *process; /* NULL once reaped */
    int in, out;
    bool alive, killed; /* killed: and not by the verifier */
    struct buf inbox;
    unsigned suites; /* that it was sent, a bit each */
    uv_stream_t *to; /* what the verifier asks it by */
    struct asked asked[SENT];
    int n_asked, heard, done; /* of those: have arrived; have an answer that is held back */
    bool works, asleep;       /* at the next one; and has said so */
    int64_t first_at;         /* when the first of them became that */
    struct buf held;
    int last;  /* keeper: what its judge was given up with, or -1 */
    bool sour; /* whatever it is asked, it met a fault of ours */
};

enum deed { SAY, SHUT, DIE, REAP, GO_ON };

struct event {
    int64_t at;
    int pid; /* whose */
    enum deed deed;
    int signal, status;
    bool answers; /* SAY: the question that it works on */
    bool killed;  /* and its guest was */
    bool sleeps, wakes;
    struct buf bytes;
};

static struct actor actors[ACTORS_MAX];
static struct event events[EVENTS_MAX];
static int n_events, last_pid = FIRST_PID, poll_fd;

static struct actor *actor_of(int pid)
{
    for (struct actor *a = actors; a < actors + ACTORS_MAX; a++)
        if (a->pid == pid)
            return a;
    return NULL;
}

static int n_alive(enum kind kind)
{
    int n = 0;
    for (struct actor *a = actors; a < actors + ACTORS_MAX; a++)
        n += a->pid && a->alive && a->kind == kind;
    return n;
}

static struct event *plan(const struct actor *a, int64_t after_ns, enum deed deed)
{
    MUST(n_events < EVENTS_MAX, "too much is planned");
    struct event *e = &events[n_events++];
    *e = (struct event){.at = now_ns + after_ns, .pid = a->pid, .deed = deed};
    return e;
}

static void plan_death(const struct actor *a, int64_t after_ns)
{
    struct event *e = plan(a, after_ns, DIE);
    if (only_kills || chance(.5))
        e->signal = only_kills || chance(.5) ? SIGKILL : SIGSEGV;
    else
        e->status = (int)rng_below(&rng, 4); /* 0 as well: whoever ends has failed */
}

static void frame(struct buf *out, unsigned type, uint32_t seq, const char *payload)
{
    struct wire_header head = {.len = (uint32_t)strlen(payload),
                               .version = WIRE_VERSION,
                               .type = (uint8_t)type,
                               .seq = seq};
    buf_add(out, (const char *)&head, sizeof head);
    buf_puts(out, payload);
}

static struct actor *keeper_of(const struct actor *judge)
{
    struct actor *k = judge->kind == JUDGE ? actor_of(judge->pid - 1) : NULL;
    return k && k->kind == KEEPER ? k : NULL; /* a slot starts its keeper first */
}

static struct actor *judge_of(const struct actor *keeper)
{
    struct actor *j = keeper->kind == KEEPER ? actor_of(keeper->pid + 1) : NULL;
    return j && j->kind == JUDGE ? j : NULL;
}

static int first_of(const struct actor *a)
{
    return a->n_asked && !a->asked[0].taken ? a->asked[0].program : -1;
}

static void blame(enum kind kind, int program, bool killed)
{
    if (program >= 0) {
        programs[program].blamed[kind]++;
        programs[program].excused += killed;
    }
}

static void take_back(struct asked *q)
{
    programs[q->program].excused += !q->taken;
    q->taken = true;
}

/* The verifier gives it up. What became of a judge may yet be explained by its keeper. */
static void lose(struct actor *a, bool killed)
{
    struct actor *keeper = keeper_of(a);
    for (int i = 1; i < a->n_asked; i++)
        take_back(&a->asked[i]);
    if (keeper && !killed && a->n_asked)
        keeper->last = first_of(a);
    blame(a->kind, first_of(a), killed);
    a->n_asked = 0;
}

/* The verifier hears how it ended. */
static void mourn(struct actor *a)
{
    struct actor *judge = judge_of(a);
    if (a->kind != KEEPER) {
        lose(a, a->killed);
    } else if (judge && a->killed) {
        lose(judge, true);
    } else if (judge) { /* it may still answer the first */
        for (int i = 1; i < judge->n_asked; i++)
            take_back(&judge->asked[i]);
    }
    if (a->kind == KEEPER && a->killed && a->last >= 0)
        programs[a->last].excused++;
}

static void die(struct actor *a, int signal, int status)
{
    if (!a->alive)
        return;
    a->alive = false;
    if (a->in >= 0)
        close(a->in);
    if (a->out >= 0)
        close(a->out);
    a->in = a->out = -1;
    struct event *e = plan(a, between_ms(0, 3), REAP);
    e->signal = signal;
    e->status = status;
}

static void reap(struct actor *a, int signal, int status)
{
    uv_process_t *process = a->process;
    mourn(a);
    buf_free(&a->inbox);
    buf_free(&a->held);
    *a = (struct actor){.in = -1, .out = -1, .last = -1};
    process->exit_cb(process, status, signal);
}

/* A socket takes what an actor says, unless either end is closed. */
static bool say(struct actor *a, const struct buf *bytes)
{
    ssize_t n = send(a->out, bytes->s, bytes->len, MSG_NOSIGNAL);
    MUST(n == (ssize_t)bytes->len || errno == EPIPE || errno == ECONNRESET, "%s", strerror(errno));
    return n >= 0;
}

static void work(struct actor *a);

/* What was held back goes before it. */
static void speak(struct actor *a, const struct event *e)
{
    if (a->held.len && !say(a, &a->held))
        return;
    buf_clear(&a->held);
    if (!say(a, &e->bytes))
        return;
    if (e->killed && a->done < a->n_asked && !a->asked[a->done].taken)
        blame(a->kind, a->asked[a->done].program, true);
    a->asleep = !e->wakes && !e->answers && (a->asleep || e->sleeps);
    const int n = a->done + e->answers;
    if (n && n <= a->n_asked) { /* otherwise it was given up meanwhile */
        a->n_asked -= n;
        a->heard -= n;
        memmove(a->asked, a->asked + n, (size_t)a->n_asked * sizeof *a->asked);
        a->first_at = now_ns;
    }
    a->done = 0;
    if (e->answers) {
        a->works = false;
        work(a);
    }
}

static void act(struct event *e)
{
    struct actor *a = actor_of(e->pid);
    if (a && e->deed == REAP) {
        reap(a, e->signal, e->status);
    } else if (a && a->alive && e->deed == DIE) {
        a->killed = e->signal == SIGKILL;
        die(a, e->signal, e->status);
    } else if (a && a->alive && a->out >= 0 && e->deed == SAY) {
        speak(a, e);
    } else if (a && a->alive && a->out >= 0 && e->deed == SHUT) {
        shutdown(a->out, SHUT_WR);
    } else if (a && a->alive && e->deed == GO_ON) {
        buf_add(&a->held, e->bytes.s, e->bytes.len);
        a->done++;
        a->works = false;
        work(a);
    }
    buf_free(&e->bytes);
}

/* ---- how an actor answers -------------------------------------------------------------------- */

enum manner {
    AT_ONCE,
    LATE,
    OVER_LIMIT,
    NEVER,
    TWICE,
    TWICE_LATER,
    IN_PIECES,
    HALF,
    HALF_AND_DIE,
    GARBAGE,
    WRONG_SEQ,
    WRONG_TYPE,
    NOT_JSON,
    LYING_LENGTH,
    DIES,
    ANSWERS_AND_DIES,
    SHUTS,
    OUR_FAULT,
    LASTING,
    KEEPER_DIES,
    GUEST_DIES,
    SLEEPS,
    MANNERS
};

static long seen[MANNERS], held_back, taken_back, overlooked;

static void answer_text(const struct actor *a, int program, bool forged, char out[256])
{
    int n = passes(forged ? program + 1 : program);
    bool prose = is_prose(program) != forged;
    if (a->kind == LINT)
        snprintf(out, 256, "{\"language\": \"%s\", \"parses\": true, \"diagnostics\": []}",
                 prose ? "prose" : "python");
    else
        snprintf(out, 256,
                 "{\"infra\": null, \"reason\": %s, \"tests\": {\"passed\": %d, \"total\": %d, "
                 "\"failures\": []}, \"isolation\": []}",
                 n == TESTS ? "null" : "\"wrong-answer\"", n, TESTS);
}

static void kill_keeper(const struct actor *judge)
{
    struct actor *k = keeper_of(judge);
    if (k)
        plan_death(k, between_ms(0, 20));
}

static struct event *say_frame(struct actor *a, int64_t after_ns, unsigned type, uint32_t seq,
                               const char *payload)
{
    struct event *e = plan(a, after_ns, SAY);
    frame(&e->bytes, type, seq, payload);
    return e;
}

static struct event *say_answer(struct actor *a, int64_t after_ns, uint32_t seq,
                                const char *payload)
{
    struct event *e = say_frame(a, after_ns, WIRE_RESULT, seq, payload);
    e->answers = true;
    return e;
}

/* The answer in up to six pieces, or only its first half. */
static void say_pieces(struct actor *a, int64_t after_ns, uint32_t seq, const char *text, bool half)
{
    struct buf whole = {0};
    frame(&whole, WIRE_RESULT, seq, text);
    size_t end = half ? 1 + rng_below(&rng, whole.len - 1) : whole.len;
    for (size_t at = 0; at < end;) {
        size_t n = 1 + rng_below(&rng, whole.len / 3);
        n = n < end - at ? n : end - at;
        struct event *e = plan(a, after_ns, SAY);
        buf_add(&e->bytes, whole.s + at, n);
        at += n;
        e->answers = at == whole.len;
        after_ns += between_ms(0, 30);
    }
    buf_free(&whole);
}

static void say_garbage(struct actor *a, int64_t after_ns, bool header, uint32_t seq)
{
    struct buf *out = &plan(a, after_ns, SAY)->bytes;
    if (header) {
        struct wire_header head = {.len = WIRE_JOB_BYTES_MAX + 1u + (uint32_t)rng_below(&rng, 9),
                                   .version = WIRE_VERSION,
                                   .type = WIRE_RESULT,
                                   .seq = seq};
        buf_add(out, (const char *)&head, sizeof head);
    } else {
        buf_puts(out, "Traceback (most recent call last):\n  MemoryError\n");
    }
}

/* The judge is well, but the guest was killed, before or while it ran the program. */
static void say_killed(struct actor *a, int64_t after_ns, uint32_t seq)
{
    say_answer(a, after_ns, seq,
               chance(.5) ? "{\"infra\": \"guest did not start\", \"killed\": \"surely\"}"
                          : "{\"infra\": null, \"killed\": \"surely\", \"reason\": \"crashed\"}")
        ->killed = true;
}

/* A judge whose program sleeps, perhaps not to the end, or is killed meanwhile. */
static void say_asleep(struct actor *a, uint32_t seq, const char *right)
{
    int64_t soon = between_ms(2, 100), later = soon + between_ms(50, 4000);
    if (a->kind == JUDGE)
        say_frame(a, soon, WIRE_ASLEEP, seq, "{\"asleep\":true}")->sleeps = true;
    if (a->kind == JUDGE && chance(.5))
        say_frame(a, later, WIRE_ASLEEP, seq, "{\"asleep\":false}")->wakes = true;
    if (chance(.2))
        plan_death(a, between_ms(60, 4000));
    say_answer(a, later + between_ms(0, 4000), seq, right);
}

/* Whether a linter does so: only where another text is at hand. */
static bool hold_back(struct actor *a, int64_t after_ns, uint32_t seq, const char *right)
{
    if (a->kind != LINT || a->done + 1 >= a->heard || chance(.5))
        return false;
    frame(&plan(a, after_ns, GO_ON)->bytes, WIRE_RESULT, seq, right);
    held_back++;
    return true;
}

static void misbehave(struct actor *a, int program, uint32_t seq, enum manner how)
{
    char right[256], forged[256];
    int64_t soon = between_ms(1, 8);
    answer_text(a, program, false, right);
    answer_text(a, program, true, forged);
    seen[how]++;
    switch (how) {
    case LATE:
        say_answer(a, between_ms(10, 9000), seq, right);
        break;
    case OVER_LIMIT:
        say_answer(a, between_ms(9999, 20000), seq, right);
        break;
    case TWICE:
    case TWICE_LATER: /* the second comes at once, or while another question is being worked on */
        say_answer(a, soon, seq, right);
        say_frame(a, soon + (how == TWICE ? 0 : between_ms(0, 9)), WIRE_RESULT, seq, forged);
        break;
    case IN_PIECES:
        say_pieces(a, soon, seq, right, false);
        break;
    case HALF_AND_DIE:
    case HALF:
        if (how == HALF_AND_DIE)
            plan_death(a, between_ms(100, 200));
        say_pieces(a, soon, seq, right, true);
        break;
    case GARBAGE:
    case LYING_LENGTH:
        say_garbage(a, soon, how == LYING_LENGTH, seq);
        break;
    case WRONG_SEQ:
        say_frame(a, soon, WIRE_RESULT, chance(.5) ? seq - 1 : seq + 1, forged);
        break;
    case WRONG_TYPE:
        say_frame(a, soon, chance(.5) ? WIRE_HELLO : WIRE_JOB, seq, forged);
        break;
    case NOT_JSON:
        say_frame(a, soon, WIRE_RESULT, seq, chance(.5) ? "{\"infra\": nul" : "[1]");
        break;
    case ANSWERS_AND_DIES:
        say_answer(a, soon, seq, right);
        plan_death(a, soon + between_ms(0, 5));
        break;
    case DIES:
        plan_death(a, between_ms(0, 30));
        break;
    case SHUTS:
        plan(a, soon, SHUT);
        break;
    case OUR_FAULT:
        say_frame(a, soon, WIRE_RESULT, seq, "{\"infra\": \"keeper: it has died\"}");
        break;
    case LASTING:
        programs[program].lasting = true;
        say_answer(a, soon, seq, "{\"infra\": \"the tests\", \"lasting\": true}");
        break;
    case KEEPER_DIES:
        kill_keeper(a);
        say_answer(a, between_ms(0, 40), seq, right);
        break;
    case GUEST_DIES:
        say_killed(a, soon, seq);
        break;
    case SLEEPS:
        say_asleep(a, seq, right);
        break;
    default:
        if (how != NEVER && !hold_back(a, soon, seq, right))
            say_answer(a, soon, seq, right);
    }
}

/* The number of the program in a question. */
static int program_of(const char *text, size_t len)
{
    const char *at = memmem(text, len, "return ", 7);
    MUST(at, "a question without a program: %.*s", (int)len, text);
    return (int)strtol(at + 7, NULL, 10);
}

static unsigned suite_bit(const char *text, size_t len, const char *key)
{
    const char *at = memmem(text, len, key, strlen(key));
    MUST(at, "no suite in %.*s", (int)len, text);
    return 1u << (at[strlen(key)] - '0');
}

static enum manner manner_now(struct actor *a)
{
    static const enum manner kills[] = {DIES,       ANSWERS_AND_DIES, KEEPER_DIES,
                                        GUEST_DIES, HALF_AND_DIE,     SLEEPS};
    enum manner how = AT_ONCE;
    if (chance(fault_rate))
        how = only_kills ? kills[rng_below(&rng, COUNT_OF(kills))]
                         : 1 + (enum manner)rng_below(&rng, MANNERS - 1);
    a->sour = a->sour || (how == OUR_FAULT && chance(.5));
    return a->sour ? OUR_FAULT : how;
}

/* Begins the next question that has arrived. One that was taken back is perhaps begun all the same. */
static void work(struct actor *a)
{
    if (a->works || a->done >= a->heard)
        return;
    const struct asked *q = &a->asked[a->done];
    a->works = true;
    overlooked += q->taken;
    if (q->told && chance(.8)) {
        say_frame(a, 0, WIRE_BACK, q->seq, "")->answers = true;
        overlooked--;
        taken_back++;
        return;
    }
    misbehave(a, q->program, q->seq, manner_now(a));
}

static void hear(struct actor *a, const struct wire_header *head, const char *payload)
{
    if (head->type == WIRE_SUITE) {
        a->suites |= suite_bit(payload, head->len, "\"key\":\"k");
    } else if (head->type == WIRE_BACK) {
        for (int i = 0; i < a->n_asked; i++)
            a->asked[i].told = a->asked[i].told || a->asked[i].seq == head->seq;
    } else if (head->type != WIRE_CORE) {
        MUST(head->type == WIRE_JOB, "a frame of type %d", head->type);
        MUST(a->kind != JUDGE || a->suites & suite_bit(payload, head->len, "\"suite\":\"k"),
             "a judge was asked about a suite that it was never sent");
        a->heard += a->heard < a->n_asked;
        work(a);
    }
}

static void listen_to(struct actor *a)
{
    char chunk[16384];
    ssize_t n = recv(a->in, chunk, sizeof chunk, 0);
    if (n <= 0)
        return;
    buf_add(&a->inbox, chunk, (size_t)n);
    size_t at = 0;
    while (a->inbox.len - at >= sizeof(struct wire_header)) {
        struct wire_header head;
        memcpy(&head, a->inbox.s + at, sizeof head);
        if (a->inbox.len - at - sizeof head < head.len)
            break;
        hear(a, &head, a->inbox.s + at + sizeof head);
        at += sizeof head + head.len;
    }
    memmove(a->inbox.s, a->inbox.s + at, a->inbox.len - at);
    a->inbox.len -= at;
}

#endif
