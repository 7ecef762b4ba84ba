/* pool.h: some equal slots and one queue of tasks before them.
 *
 * A slot is one assay-judge with its assay-keeper, or one assay-lint. A task is one question to
 * one slot. It is answered exactly once, from the loop and never from within pool_submit: with a
 * result, or with a sentence about what was our fault. A slot that dies, overruns or stays silent
 * is killed and replaced; its task is retried on whichever slot is free next: once where its own
 * slot failed it, and more often where somebody killed the helper or the guest that it ran on
 * (pool.c), which says nothing about the task. */
#ifndef ASSAY_POOL_H
#define ASSAY_POOL_H

#include <jansson.h>
#include <uv.h>

#include "base/err.h"
#include "base/queue.h"
#include "base/str.h"
#include "question.h"

enum pool_kind { POOL_JUDGE, POOL_LINT };

struct task {
    struct node node;
    json_t *question;                               /* of WIRE_JOB; the owner's reference */
    struct question_text texts[QUESTION_TEXTS_MAX]; /* beside it; the owner's bytes */
    const char *suite_key; /* judge: the suite the question names, NULL if none. */
    json_t *suite;         /* sent to a slot that has not seen it */
    int64_t limit_ms;      /* hard: past it the slot is killed */
    /* Takes the reference of `result`; NULL means `infra` says why. */
    void (*done)(struct task *t, json_t *result, const char *infra);
    int failures, kills; /* 0 when submitted */
    int64_t killed_ms;   /* how long its tries took that were killed */
    long kills_before;   /* in the whole pool */
};

struct pool_stats {
    int slots, ready, busy, queued;
    long answered, retried, restarts, kills;
    long moves; /* of a slot from one core to another */
};

struct pool;

/* Starts `n` slots. Never fails by itself: what cannot start is retried, and tasks are answered
 * with the reason. */
struct pool *pool_start(uv_loop_t *loop, enum pool_kind kind, int n);

void pool_submit(struct pool *p, struct task *t);

/* Takes back a task that no slot has begun; it is then not answered. False: too late. */
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
