/* A simulation of the verifier's slots: job.c, cache.c, pool.c, slot.c, helper.c and libuv's loop as they
 * are, in front of processes that are played here and misbehave by a seed.
 *
 * Five functions are defined here in the place of the library's: uv_spawn makes no process but an
 * actor, at the other end of the same two sockets; kill ends an actor; clock_gettime tells a time
 * that this file advances whenever nothing is left to do at the present one, so that a time limit
 * of seconds costs nothing; uv_try_write and uv_write count the questions that leave the verifier, and
 * find some sockets full. The actors
 * answer late, after their limit, twice, never, in pieces, by halves, with other questions'
 * answers, with garbage, sleep, or die, in calm and in stormy phases. Questions sent ahead wait in
 * an actor; a linter holds answers back, a judge may overlook that one was taken back.
 *
 * What must hold: a job ends once, with the verdict that belongs to its own program, or in infra
 * after its slot failed twice while it was the first there (at once where no slot is up, or the problem
 * itself is at fault), not counting tries whose helper or guest was killed; a cancelled one never does.
 * Where nothing but SIGKILL goes wrong, no job ends in infra. No answer is believed that a slot was
 * not asked for, or no longer. Nobody is asked again without need: once after a failure as the first of
 * its slot, and then alone there; once for each time that it waited behind another in a slot that
 * failed, or was taken back. Nobody waits behind another for long, nor behind a sleeper. No question
 * is asked of an idle judge while as many as may work at once are awake with one, none is sent ahead
 * or stays so while more are, and none waits while fewer are and one has nothing to do. No slot,
 * process, descriptor or byte is lost.
 *
 * SEED=n repeats a run, SIM_JOBS=n makes it longer (`make sim`). */
#include <dlfcn.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rng.h"
#include "tests/unit/open_files.h"
#include "verifier/job.h"
#include "wire.h"

enum {
    SLOTS = 4,
    SLOTS_WITH_SPARES = 3 * SLOTS,
    SLOT_FILES = 4, /* two of each side */
    JUDGE_SENT = 2,
    SENT = 8,         /* questions that a slot is sent before it has answered one */
    PATIENCE_MS = 16, /* how long one waits behind another */
    JOBS_DEFAULT = 10000,
    JOBS_MAX = 10000000,
    OPEN_MAX = 96, /* jobs begun and not ended */
    ACTORS_MAX = 256,
    EVENTS_MAX = 1024,
    PROBLEMS = 3,
    TESTS = 8,
    CACHE_ENTRIES = 256,
    FIRST_PID = 1 << 24,    /* beyond any real one */
    HEAP_SLACK = 256 << 10, /* what malloc keeps at hand counts as used */
};

static struct rng rng;
static unsigned long seed;
static uv_loop_t loop;

#define MUST(condition, ...)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("# SEED=%lu: " #condition ": ", seed);                                          \
            printf(__VA_ARGS__);                                                                   \
            printf("\n");                                                                          \
            fflush(stdout);                                                                        \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

static bool chance(double p)
{
    return rng_uniform(&rng) < p;
}

static int64_t between_ms(double low, double high)
{
    return (int64_t)((low + (high - low) * rng_uniform(&rng)) * NS_PER_MS);
}

/* ---- time ------------------------------------------------------------------------------------ */

static int64_t now_ns = 1000LL * NS_PER_S;

int clock_gettime(clockid_t id, struct timespec *t)
{
    (void)id;
    *t = (struct timespec){now_ns / NS_PER_S, now_ns % NS_PER_S};
    return 0;
}

static double real_s(void)
{
    struct timespec t;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- jobs, as their owner sees them ---------------------------------------------------------- */

enum kind { JUDGE, LINT, KEEPER };

/* One program; copies of it are several jobs. */
struct program {
    unsigned char copies;
    int asked[2];  /* questions that left for a judge, for a linter */
    int excused;   /* of these: it, or its slot, was killed; it waited behind another in vain */
    int blamed[2]; /* slots that failed or were killed with it as their first */
    bool lasting;  /* its judge said that the problem is at fault */
};

struct open_job {
    struct job *job;
    int program;
    bool open;
};

static struct program *programs;
static struct grader grader;
static struct problem problems[PROBLEMS];
static struct open_job open_jobs[OPEN_MAX];
static int n_open, n_programs;
static long n_jobs, begun, ended, graded, infra, cancelled;
static double fault_rate;
static bool only_kills; /* nothing else goes wrong */
static int most_busy;   /* judges that had a question */

static bool is_prose(int program)
{
    return program % 16 == 5;
}

/* Those of the last problem, and of these few. */
static bool is_timed(int program)
{
    return program % (4 * PROBLEMS) == PROBLEMS - 1;
}

static int passes(int program)
{
    return program % (TESTS + 1);
}

static bool any_pool_down(void)
{
    return pool_stats(grader.judges).ready == 0 || pool_stats(grader.linters).ready == 0;
}

static void check_infra(int number, const char *why)
{
    const struct program *p = &programs[number];
    MUST(p->copies > 1 || p->blamed[JUDGE] >= 2 || p->blamed[LINT] >= 2 || p->lasting ||
             any_pool_down(),
         "program %d: infra (%s) after %d and %d failures", number, why, p->blamed[JUDGE],
         p->blamed[LINT]);
    MUST(!only_kills, "program %d: infra (%s) though nothing failed by itself", number, why);
}

static void check_verdict(int number, json_t *verdict)
{
    const char *grade = json_string_value(json_object_get(verdict, "grade"));
    json_t *tests = json_object_get(verdict, "tests");
    const char *wanted = is_prose(number)          ? "not-code"
                         : passes(number) == TESTS ? "correct"
                                                   : "fails-tests";
    MUST(grade && strcmp(grade, wanted) == 0, "program %d is %s, should be %s", number, grade,
         wanted);
    MUST(is_prose(number) || json_integer_value(json_object_get(tests, "passed")) == passes(number),
         "program %d got the tests of another", number);
}

static void on_verdict(void *ctx, json_t *verdict)
{
    struct open_job *o = ctx;
    const char *why = json_string_value(json_object_get(verdict, "infra"));
    MUST(o->open, "a job of program %d ended twice, or after it was cancelled", o->program);
    o->open = false;
    n_open--;
    ended++;
    if (why) {
        infra++;
        MUST(json_is_null(json_object_get(verdict, "reward")), "infra with a reward");
        check_infra(o->program, why);
    } else {
        graded++;
        check_verdict(o->program, verdict);
    }
}

static void begin_job(int number, bool fresh)
{
    char text[80];
    struct open_job *o = open_jobs;
    while (o->open)
        o++;
    snprintf(text, sizeof text, "def f():\n    return %d\n", number);
    struct job_spec spec = {.problem = &problems[number % PROBLEMS],
                            .item = json_pack("{s:s, s:s}", "task_id", "p", "solution", text),
                            .timing = is_timed(number),
                            .fresh = fresh};
    *o = (struct open_job){.program = number, .open = true};
    n_open++;
    begun++;
    struct job *j = job_start(&grader, &spec, on_verdict, o);
    if (o->open)
        o->job = j;
    json_decref(spec.item);
}

/* A program of its own, or several copies of one at once, of which one is judged; sometimes one that
 * was known once. */
static void begin(void)
{
    int number = n_programs, copies = chance(1. / 16) ? 2 + (int)rng_below(&rng, 3) : 1;
    if (n_programs > 64 && chance(1. / 32))
        number = n_programs - 1 - (int)rng_below(&rng, 64);
    else
        n_programs++;
    bool again = number < n_programs - 1;
    programs[number].copies += (unsigned char)(again ? 2 : copies);
    for (int i = 0; i < copies && n_open < OPEN_MAX; i++)
        begin_job(number, copies == 1 && !again);
}

static void cancel_one(void)
{
    struct open_job *o = &open_jobs[rng_below(&rng, OPEN_MAX)];
    if (!o->open)
        return;
    o->open = false;
    n_open--;
    ended++;
    cancelled++;
    programs[o->program].copies = 2; /* another may inherit its tries */
    job_cancel(o->job);
}

#include "verifier_actors.h"

/* ---- the functions that stand in ------------------------------------------------------------- */

static void come_up(struct actor *a)
{
    int64_t soon = between_ms(20, 60);
    bool faulty = chance(fault_rate / 4);
    int how = !faulty ? -1 : only_kills ? 1 : (int)rng_below(&rng, 4);
    if (how == 0) /* never, but lives on */
        return;
    if (how == 1)
        plan_death(a, soon);
    if (how == 2)
        say_garbage(a, soon, false, 0);
    say_frame(a, soon + (how == 3 ? between_ms(0, 29000) : 0), WIRE_HELLO, 0, "{}");
}

/* Joins the verifier's stream to a socket, and the actor to the other end. */
static int join(uv_stream_t *stream)
{
    int fds[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    CHECK(uv_pipe_open((uv_pipe_t *)stream, fds[0]) == 0);
    return fds[1];
}

int uv_spawn(uv_loop_t *in, uv_process_t *process, const uv_process_options_t *o)
{
    static int (*real)(uv_loop_t *, uv_process_t *, const uv_process_options_t *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "uv_spawn");
    /* Refused before it forks, it leaves a handle that has begun and can be closed. */
    uv_stdio_container_t none = {.flags = UV_INHERIT_FD, .data.fd = -1};
    uv_process_options_t refused = *o;
    refused.stdio = &none;
    refused.stdio_count = 1;
    CHECK(real(in, process, &refused) == UV_EINVAL);
    if (!only_kills && chance(fault_rate / 8))
        return UV_EAGAIN;
    struct actor *a = actor_of(0);
    MUST(a, "more than %d processes", ACTORS_MAX);
    *a = (struct actor){.kind = strstr(o->file, "judge")  ? JUDGE
                                : strstr(o->file, "lint") ? LINT
                                                          : KEEPER,
                        .pid = ++last_pid,
                        .process = process,
                        .in = -1,
                        .out = -1,
                        .last = -1,
                        .alive = true};
    process->pid = a->pid;
    process->exit_cb = o->exit_cb;
    if (a->kind == KEEPER)
        return 0;
    a->to = o->stdio[0].data.stream;
    a->in = join(a->to);
    a->out = join(o->stdio[1].data.stream);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = a};
    CHECK(epoll_ctl(poll_fd, EPOLL_CTL_ADD, a->in, &e) == 0);
    come_up(a);
    return 0;
}

int kill(pid_t pid, int signal)
{
    struct actor *a = actor_of(-pid);
    if (pid > -FIRST_PID)
        return (int)syscall(SYS_kill, pid, signal);
    MUST(a && a->process, "a signal to a process that is reaped");
    if (a->kind != KEEPER)
        lose(a, false);
    die(a, signal, 0);
    return 0;
}

static void count_question(struct actor *a, uint32_t seq, int number)
{
    struct program *p = &programs[number];
    struct pool_stats judges = pool_stats(grader.judges);
    const int first = first_of(a);
    MUST(a->kind != JUDGE || judges.busy - judges.asleep <= SLOTS, "%d work at once",
         judges.busy - judges.asleep);
    most_busy = judges.busy > most_busy ? judges.busy : most_busy;
    MUST(a->n_asked < (a->kind == JUDGE ? JUDGE_SENT : SENT),
         "%d %d are sent ahead, alive %d done %d heard %d works %d", a->kind, a->n_asked, a->alive,
         a->done, a->heard, a->works);
    MUST(!a->n_asked || p->copies > 1 || !p->blamed[a->kind], "program %d is not alone", number);
    MUST(first < 0 || programs[first].copies > 1 || !programs[first].blamed[a->kind],
         "program %d does not stay alone", first);
    const bool timed = a->n_asked && (is_timed(number) || (first >= 0 && is_timed(first)));
    MUST(a->kind != JUDGE || !timed, "a timed one is not alone: %d, %d", first, number);
    MUST(!a->asleep, "program %d was sent to a sleeper", number);
    if (!a->n_asked)
        a->first_at = now_ns;
    a->asked[a->n_asked++] = (struct asked){.program = number, .seq = seq, .at = now_ns};
    p->asked[a->kind]++;
    MUST(p->asked[a->kind] <= 2 * p->copies + p->excused,
         "program %d was asked about %d times: kind %d copies %d excused %d blamed %d", number,
         p->asked[a->kind], a->kind, p->copies, p->excused, p->blamed[a->kind]);
}

/* `bufs` are a frame, its header and its payload. */
static void watch(uv_stream_t *to, const uv_buf_t bufs[])
{
    struct wire_header head;
    struct actor *a = actors;
    while (a < actors + ACTORS_MAX - 1 && a->to != to)
        a++;
    MUST(bufs[0].len == sizeof head, "half a header was sent");
    memcpy(&head, bufs[0].base, sizeof head);
    if (head.type == WIRE_JOB)
        count_question(a, head.seq, program_of(bufs[1].base, bufs[1].len));
    for (int i = 0; head.type == WIRE_BACK && i < a->n_asked; i++)
        if (a->asked[i].seq == head.seq)
            take_back(&a->asked[i]);
}

/* A socket is sometimes full, and then uv_write is called with what is left of the frame. */
int uv_try_write(uv_stream_t *to, const uv_buf_t bufs[], unsigned n)
{
    static int (*real)(uv_stream_t *, const uv_buf_t[], unsigned);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "uv_try_write");
    if (rng_below(&rng, 8) == 0)
        return UV_EAGAIN;
    uv_buf_t some[2] = {bufs[0], bufs[1]};
    if (rng_below(&rng, 8) == 0)
        some[1].len = rng_below(&rng, (uint32_t)some[1].len + 1);
    int put = real(to, some, n);
    if (put > 0)
        watch(to, bufs);
    return put;
}

int uv_write(uv_write_t *req, uv_stream_t *to, const uv_buf_t bufs[], unsigned n, uv_write_cb cb)
{
    static int (*real)(uv_write_t *, uv_stream_t *, const uv_buf_t[], unsigned, uv_write_cb);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "uv_write");
    if (n == 2)
        watch(to, bufs);
    return real(req, to, bufs, n, cb);
}

/* ---- the run --------------------------------------------------------------------------------- */

static bool listen_all(void)
{
    struct epoll_event ready[ACTORS_MAX];
    int n = epoll_wait(poll_fd, ready, ACTORS_MAX, 0);
    for (int i = 0; i < n; i++) {
        struct actor *a = ready[i].data.ptr;
        if (ready[i].events & EPOLLIN)
            listen_to(a);
        if (ready[i].events & (EPOLLHUP | EPOLLERR))
            epoll_ctl(poll_fd, EPOLL_CTL_DEL, a->in, NULL);
    }
    return n > 0;
}

/* Does the earliest planned thing if it is due. */
static bool act_next(int64_t *ret_at)
{
    int first = -1;
    for (int i = 0; i < n_events; i++)
        if (first < 0 || events[i].at < events[first].at)
            first = i;
    *ret_at = first < 0 ? INT64_MAX : events[first].at;
    if (first < 0 || events[first].at > now_ns)
        return false;
    struct event e = events[first];
    memmove(events + first, events + first + 1,
            (size_t)(--n_events - first) * sizeof *events); /* those of one time keep their order */
    act(&e);
    return true;
}

/* Nothing is left to do now. Who waits behind another is soon elsewhere. */
static void check_ahead(void)
{
    struct pool_stats judges = pool_stats(grader.judges);
    for (const struct actor *a = actors; a < actors + ACTORS_MAX; a++) {
        if (!a->pid || !a->alive || a->kind != JUDGE || a->n_asked < 2 || a->asked[1].taken)
            continue;
        const int64_t at = a->asked[1].at > a->first_at ? a->asked[1].at : a->first_at;
        MUST(!a->asleep, "program %d waits behind a sleeper", a->asked[1].program);
        MUST(judges.busy - judges.asleep <= SLOTS, "program %d is next though %d work at once",
             a->asked[1].program, judges.busy - judges.asleep);
        MUST(now_ns - at <= PATIENCE_MS * NS_PER_MS, "program %d waits for %d ms",
             a->asked[1].program, (int)((now_ns - at) / NS_PER_MS));
    }
}

/* One turn of the loop and of the actors; when both have nothing to do now, time goes on. */
static void turn(void)
{
    static int idle;
    int64_t at;
    uv_run(&loop, UV_RUN_NOWAIT);
    if (listen_all() || act_next(&at))
        return;
    check_ahead();
    struct pool_stats judges = pool_stats(grader.judges);
    MUST(!judges.queued || judges.ready == judges.busy || judges.busy - judges.asleep >= SLOTS,
         "%d wait, and %d of %d are idle", judges.queued, judges.ready - judges.busy, judges.begun);
    int wait_ms = uv_loop_alive(&loop) ? uv_backend_timeout(&loop) : -1;
    int64_t timer = wait_ms < 0 ? INT64_MAX : (int64_t)(uv_now(&loop) + wait_ms) * NS_PER_MS;
    at = timer < at ? timer : at;
    idle = at < INT64_MAX ? 0 : idle + 1;
    MUST(idle < 3 || !uv_loop_alive(&loop), "nothing will ever happen again");
    if (at < INT64_MAX && at > now_ns)
        now_ns = at;
}

static size_t heap_bytes(void)
{
    return mallinfo2().uordblks;
}

static bool all_up(void)
{
    struct pool_stats judges = pool_stats(grader.judges), linters = pool_stats(grader.linters);
    return judges.ready == judges.begun && judges.busy == 0 && judges.queued == 0 &&
           linters.ready == 1 && linters.busy == 0 && linters.queued == 0;
}

/* Runs until nobody works and every slot is up: what lasts of a storm must pass. */
static void settle(void)
{
    int64_t from = now_ns;
    fault_rate = 0;
    while (n_open || n_events || !all_up()) {
        turn();
        MUST(now_ns - from < 600LL * NS_PER_S, "slots stay down");
    }
    int slots = pool_stats(grader.judges).begun;
    MUST(n_alive(JUDGE) == slots && n_alive(KEEPER) == slots && n_alive(LINT) == 1,
         "%d judges, %d keepers, %d linters for %d slots", n_alive(JUDGE), n_alive(KEEPER),
         n_alive(LINT), slots);
}

/* Calm, rough and stormy tenths. */
static double rate_now(void)
{
    if (only_kills)
        return .3;
    static const double rates[] = {.02, .1, .02, .3, 0, .02, .2, .5, .02, .05};
    return rates[begun * 10 / (n_jobs + 1)];
}

static void run_jobs(void)
{
    size_t heap[10] = {0};
    while (ended < n_jobs) {
        fault_rate = rate_now();
        while (begun < n_jobs && n_open < OPEN_MAX)
            begin();
        if (chance(.001))
            cancel_one();
        turn();
        struct pool_stats judges = pool_stats(grader.judges), linters = pool_stats(grader.linters);
        MUST(judges.queued + judges.ahead + linters.queued + linters.ahead <=
                 n_open + (int)cancelled,
             "more tasks than jobs");
        MUST(judges.busy <= judges.ready && judges.ready <= judges.begun &&
                 judges.begun <= SLOTS_WITH_SPARES,
             "more slots than there are");
        heap[ended * 9 / n_jobs] = heap_bytes();
    }
    MUST(heap[9] < heap[4] + heap[4] / 2 + HEAP_SLACK, "the heap grew from %zu to %zu bytes",
         heap[4], heap[9]);
}

static void run(void)
{
    int files = open_files();
    size_t heap = heap_bytes();
    double from = real_s();
    int64_t from_ns = now_ns;
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(uv_loop_init(&loop), 0);
    grader = (struct grader){.reward = REWARD_DEFAULT};
    grader_start(&grader, &loop, SLOTS);
    grader.cache.entries_max = CACHE_ENTRIES;
    settle();
    int files_up = open_files();
    run_jobs();
    settle();
    struct pool_stats judges = pool_stats(grader.judges), linters = pool_stats(grader.linters);
    files_up += SLOT_FILES * (judges.begun - SLOTS);
    MUST(open_files() == files_up, "%d descriptors, not %d", open_files(), files_up);
    MUST(graded + infra + cancelled == begun && ended == begun, "a job is lost");
    grader_stop(&grader);
    while (n_events || uv_loop_alive(&loop))
        turn();
    assert_int_equal(n_alive(JUDGE) + n_alive(KEEPER) + n_alive(LINT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    grader_free(&grader);
    close(poll_fd);
    printf("# SEED=%lu: %ld jobs: %ld graded, %ld infra, %ld cancelled; %ld retried, %ld restarts, "
           "%d processes; %.1f hours in %.1f s\n",
           seed, begun, graded, infra, cancelled, judges.retried + linters.retried,
           judges.restarts + linters.restarts, last_pid - FIRST_PID,
           (double)(now_ns - from_ns) / 3600e9, real_s() - from);
    MUST(open_files() <= files + 4, "descriptors are left"); /* libuv keeps its signal pipe */
    MUST(heap_bytes() < heap + HEAP_SLACK, "%zu bytes are left", heap_bytes() - heap);
}

static void test_slots(void **state)
{
    (void)state;
    run();
    for (int how = 1; how < MANNERS; how++)
        MUST(seen[how] > 0, "manner %d never came up", how);
    MUST(held_back && taken_back && overlooked, "nothing was held or taken back");
    MUST(most_busy > SLOTS, "nobody worked in a sleeper's place");
}

static void test_kills(void **state)
{
    (void)state;
    only_kills = true;
    run();
    MUST(infra == 0, "%ld in infra", infra);
}

static long number_from(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtol(text, NULL, 10) : otherwise;
}

static int setup(void **state)
{
    (void)state;
    n_jobs = number_from("SIM_JOBS", JOBS_DEFAULT);
    seed = (unsigned long)number_from("SEED", 1);
    CHECK(n_jobs >= 1000 && n_jobs <= JOBS_MAX);
    rng = rng_make(seed, 0);
    programs = xcalloc((size_t)n_jobs + 8, sizeof *programs);
    n_programs = 0;
    begun = ended = graded = infra = cancelled = 0;
    for (struct actor *a = actors; a < actors + ACTORS_MAX; a++)
        *a = (struct actor){.in = -1, .out = -1, .last = -1};
    for (int i = 0; i < PROBLEMS; i++) {
        problems[i] = (struct problem){
            .id = "p", .suite = json_pack("{s:{}}", "timing"), .limits = LIMITS_DEFAULT};
        problems[i].limits.wall_s = 2;
        snprintf(problems[i].key, sizeof problems[i].key, "k%d", i);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < PROBLEMS; i++)
        json_decref(problems[i].suite);
    free(programs);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_slots, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kills, setup, teardown),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
