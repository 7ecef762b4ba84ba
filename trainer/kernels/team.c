/* team.c: the worker threads. Worker 0 is the caller of team_run; workers 1 .. size-1 are threads
 * that sleep on a condition variable until the generation number moves, run the function once, and
 * count themselves off. */
#include "trainer/kernels/team.h"

#include <cblas.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#include "base/check.h"
#include "base/clock.h"

enum { TEAM_SIZE_MAX = 256 };

struct member {
    struct team *team;
    int index;
    int64_t ended; /* when this generation's work was done, by wall_ns */
    pthread_t thread;
};

struct team {
    int size, running; /* running: workers of this generation that have not finished yet */
    unsigned generation;
    bool stopping;
    int64_t idle_ns; /* of all workers together */
    team_fn fn;
    void *ctx;
    pthread_mutex_t lock;
    pthread_cond_t start, done;
    struct member members[];
};

static void *member_main(void *arg)
{
    struct member *self = arg;
    struct team *t = self->team;
    unsigned seen = 0;
    pthread_mutex_lock(&t->lock);
    for (;;) {
        while (t->generation == seen && !t->stopping)
            pthread_cond_wait(&t->start, &t->lock);
        if (t->stopping)
            break;
        seen = t->generation;
        pthread_mutex_unlock(&t->lock);
        t->fn(t->ctx, self->index);
        self->ended = wall_ns();
        pthread_mutex_lock(&t->lock);
        if (--t->running == 0)
            pthread_cond_signal(&t->done);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

static int usable_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

struct team *team_start(int size)
{
    if (size <= 0)
        size = usable_cores();
    if (size > TEAM_SIZE_MAX)
        size = TEAM_SIZE_MAX;
    /* BLAS must not start threads of its own: each worker is a core's whole share of the work. */
    openblas_set_num_threads(1);
    struct team *t = xcalloc(1, sizeof *t + (size_t)size * sizeof t->members[0]);
    t->size = size;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->start, NULL);
    pthread_cond_init(&t->done, NULL);
    for (int i = 1; i < size; i++) {
        t->members[i] = (struct member){.team = t, .index = i};
        CHECK(pthread_create(&t->members[i].thread, NULL, member_main, &t->members[i]) == 0);
    }
    return t;
}

/* What the workers have waited for the last of them. */
static int64_t idle_of(const struct team *t)
{
    int64_t last = 0, idle = 0;
    for (int i = 0; i < t->size; i++)
        last = t->members[i].ended > last ? t->members[i].ended : last;
    for (int i = 0; i < t->size; i++)
        idle += last - t->members[i].ended;
    return idle;
}

void team_run(struct team *t, team_fn fn, void *ctx)
{
    if (t->size > 1) {
        pthread_mutex_lock(&t->lock);
        t->fn = fn;
        t->ctx = ctx;
        t->running = t->size - 1;
        t->generation++;
        pthread_cond_broadcast(&t->start);
        pthread_mutex_unlock(&t->lock);
    }
    fn(ctx, 0);
    if (t->size > 1) {
        t->members[0].ended = wall_ns();
        pthread_mutex_lock(&t->lock);
        while (t->running > 0)
            pthread_cond_wait(&t->done, &t->lock);
        t->idle_ns += idle_of(t);
        pthread_mutex_unlock(&t->lock);
    }
}

void team_waited(struct team *t, int64_t ns)
{
    pthread_mutex_lock(&t->lock);
    t->idle_ns += ns;
    pthread_mutex_unlock(&t->lock);
}

double team_idle_s(const struct team *t)
{
    return (double)t->idle_ns / NS_PER_S / t->size;
}

int team_size(const struct team *t)
{
    return t->size;
}

void team_stop(struct team *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    pthread_cond_broadcast(&t->start);
    pthread_mutex_unlock(&t->lock);
    for (int i = 1; i < t->size; i++)
        pthread_join(t->members[i].thread, NULL);
    pthread_cond_destroy(&t->start);
    pthread_cond_destroy(&t->done);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
