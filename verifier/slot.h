/* slot.h: one place where a task can run, between the pool (who gets what) and its helpers (the
 * processes). Internal to both. */
#ifndef ASSAY_SLOT_H
#define ASSAY_SLOT_H

#include "helper.h"
#include "pool.h"

enum slot_state {
    SLOT_SPARE,    /* not needed so far: nothing happens to it before slot_begin */
    SLOT_DOWN,     /* no processes; the timer starts them again */
    SLOT_STARTING, /* processes made, WIRE_HELLO awaited; the timer bounds it */
    SLOT_IDLE,     /* in the pool's idle list */
    SLOT_BUSY,     /* the first of `sent` runs; the timer bounds it */
    SLOT_ENDING,   /* a helper has failed; the timer bounds the wait for word of a kill */
};

enum { SLOT_SENT_MAX = 8 };

/* A question that a helper has not answered. */
struct sent {
    struct task *task; /* NULL: taken back, the answer is nobody's */
    int64_t limit_ms;
};

struct slot {
    unsigned magic;
    struct node idle;
    struct pool *pool;
    enum pool_kind kind;
    bool first; /* of its pool, which has need of it */
    enum slot_state state;
    struct helper *speaker, *keeper; /* the one with frames; the judge's keeper */
    struct sent sent[SLOT_SENT_MAX]; /* in the order of their answers: the head, and those ahead */
    int n_sent;
    uint32_t seq;     /* of the head, or of the next one to be sent */
    bool asleep;      /* BUSY, and the head's program uses no processor time */
    bool waited;      /* another has waited behind the head for PATIENCE_MS */
    uv_timer_t timer; /* start again, give up starting, or end the head: by state */
    bool was_up;      /* said HELLO since it was last started */
    int failures;     /* in a row, for the back-off */
    int stillborn;    /* starts in a row that came to no HELLO */
    int killed;       /* or were killed before it */
    uint64_t up_ms;   /* when it was last up, once it is not */
    uint64_t run_ms;  /* when the head became that */
    uint64_t took_ms; /* how long the last head was one */
    char why[200];    /* ENDING: of what */
    int core;         /* where its processes are now; -1: anywhere */
    json_t *suites;   /* keys the judge holds */
    json_t *hello;
};

/* What a slot tells its pool. */
void pool__slot_ready(struct slot *s);
void pool__slot_rests(struct slot *s); /* it uses no core for now */
void pool__slot_wakes(struct slot *s); /* it does again */
void pool__slot_answered(struct slot *s, struct task *t, json_t *result);
/* It was sent ahead and not begun, or nobody can tell: it waits again, before all others. */
void pool__slot_put_back(struct slot *s, struct task *t);
/* `t`, the head, may be NULL. `killed`: somebody killed a helper. */
void pool__slot_failed(struct slot *s, struct task *t, const char *why, bool killed);

void slot_init(struct slot *s, struct pool *pool, enum pool_kind kind, uv_loop_t *loop, bool first);
void slot_begin(struct slot *s); /* once: starts its processes, and again whenever they end */
/* May be sent another task behind the one that it works on. */
bool slot_has_room(const struct slot *s);
/* Whether one must have a slot to itself: nobody is sent before or behind it. */
bool slot_wants_alone(const struct task *t);
/* IDLE, or with room. On this core, if it is not negative. */
void slot_run(struct slot *s, struct task *t, int core);
/* A judge: whatever was sent ahead waits again, before all others. */
void slot_recall(struct slot *s);
/* The task was sent ahead and is nobody's from now on. False: it is the head, or a linter's. */
bool slot_take_back(struct slot *s, struct task *t);
bool slot_holds(const struct slot *s, const struct task *t); /* needs no suite sent before it */
void slot_stop(struct slot *s);                              /* for good; closes the timer */

#endif
