/* pool.h: some equal slots and one queue of tasks before them.
 *
 * So many slots work at once as the pool is started with. One whose program sleeps does not count:
 * spare ones, started when they are first missed, work in its place.
 *
 * A slot is one assay-judge with its assay-keeper, or one assay-lint. A task is one question to
 * one slot. It is answered exactly once, from the loop and never from within pool_submit: with a
 * result, or with a sentence about what was our fault. A slot that dies, overruns or stays silent
 * is killed and replaced; the task that it worked on is retried on whichever slot is free next: once
 * where its own slot failed it, and more often where somebody killed the helper or the guest that it
 * ran on (pool.c), which says nothing about the task. */
#ifndef ASSAY_POOL_H
#define ASSAY_POOL_H

#include <jansson.h>
#include <uv.h>

#include "base/err.h"
#include "base/queue.h"
#include "base/str.h"
#include "question.h"

enum pool_kind { POOL_JUDGE, POOL_LINT };

/* Whoever asks for several tasks: the queue is worked off in rounds, in each of which every asker has
 * one turn. Zero when it is new. */
struct asker {
    uint64_t next[2]; /* by pool_kind: the round in which its next task comes */
};

struct task {
    struct node node;
    json_t *question;                               /* of WIRE_JOB; the owner's reference */
    struct question_text texts[QUESTION_TEXTS_MAX]; /* beside it; the owner's bytes */
    const char *suite_key; /* judge: the suite the question names, NULL if none. */
    json_t *suite;         /* sent to a slot that has not seen it */
    int64_t limit_ms;      /* hard: past it the slot is killed */
    bool alone;            /* no other is sent to its slot before it has been answered */
    struct asker *asker;   /* read by pool_submit alone; NULL: it asks for nothing else */
    struct buf *answer;    /* the result's text goes here, unless it is NULL */
    /* Takes the reference of `result`; NULL means `infra` says why. */
    void (*done)(struct task *t, json_t *result, const char *infra);
    int failures, kills; /* 0 when submitted */
    int64_t killed_ms;   /* how long its tries took that were killed */
    long kills_before;   /* in the whole pool */
    uint64_t round;
};

struct pool_stats {
    int slots;               /* that may work at once */
    int begun;               /* with the spare ones that were missed */
    int ready, busy, asleep; /* of those: up; with a task; with one whose program sleeps */
    int queued, ahead;       /* with no slot; sent to one that works on another */
    long answered, retried, restarts, kills;
    long moves; /* of a slot from one core to another */
};

struct pool;

/* Starts `n` slots, and has `spares` more to start. Never fails by itself: what cannot start is
 * retried, and tasks are answered with the reason. */
struct pool *pool_start(uv_loop_t *loop, enum pool_kind kind, int n, int spares);

void pool_submit(struct pool *p, struct task *t);

/* Takes back a task that no slot has begun; it is then not answered. False: too late, or nobody can
 * tell. */
bool pool_cancel(struct pool *p, struct task *t);

struct pool_stats pool_stats(const struct pool *p);

/* What the first ready slot said of itself (WIRE_HELLO), or NULL so far. */
const json_t *pool_hello(const struct pool *p);

/* Kills all slots; no task is answered any more. The loop then has nothing of the pool left to do;
 * run it until it ends, and after that call pool_free. */
void pool_stop(struct pool *p);
void pool_free(struct pool *p);

/* Cores this process may use: the usual number of slots. */
int pool_cores(void);

#endif
