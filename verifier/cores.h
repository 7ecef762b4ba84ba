/* cores.h: on which core the processes of a slot run; see cores.c for why on one. */
#ifndef ASSAY_CORES_H
#define ASSAY_CORES_H

#include <sched.h>

#include "base/rng.h"

struct core {
    int id;
    int busy;              /* own slots at work there: cores_count since the last choice */
    double unused;         /* share of its time, over the last look; negative: not known */
    uint64_t idle, passed; /* ticks until then */
};

struct cores {
    cpu_set_t allowed;
    struct core *list; /* those of `allowed`; none where the set is not known */
    int n, next;       /* where a slot that was nowhere yet is put first */
    uint64_t look_ms;  /* when to look again */
    struct rng rng;
};

void cores_open(struct cores *c);
void cores_close(struct cores *c);

/* Follows the cores that this process may use, and how much of them is used by anybody; does nothing
 * unless a while has passed. */
void cores_look(struct cores *c, uint64_t now_ms);

/* A slot is at work on this core (-1: on none). */
void cores_count(struct cores *c, int core);

/* The core for the next task of a slot that was on core `last` (-1: on none): the one with the fewest
 * own slots at work; of several the last, unless others leave nothing of that and most of another.
 * -1: nothing is known of cores. Forgets the counts. */
int cores_choose(struct cores *c, int last);

#endif
