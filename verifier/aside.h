/* aside.h: work on large data, done in a thread so that the loop goes on.
 *
 * One piece at a time and in order: several large requests together then need no more memory for
 * being read than one does, and take no more than one core from the programs that are graded. */
#ifndef ASSAY_ASIDE_H
#define ASSAY_ASIDE_H

#include <jansson.h>
#include <uv.h>

#include "base/queue.h"

/* From this size on: some ten milliseconds of parsing, or fewer. */
enum { ASIDE_BYTES_MIN = 256 << 10 };

/* A part of what the owner works on, and the owner's until `done` is called. `work` runs in a
 * thread and may touch nothing that the loop might touch meanwhile; `done` runs in the loop. */
struct aside {
    struct node node;
    void (*work)(struct aside *a);
    void (*done)(struct aside *a);
};

struct asides {
    uv_loop_t *loop;
    uv_work_t turn;
    struct aside *now; /* NULL: nothing is being done */
    struct node waiting;
};

void asides_init(struct asides *all, uv_loop_t *loop);
void asides_submit(struct asides *all, struct aside *a);

/* Drops a reference of a value that may hold so many others that freeing them takes time. */
void asides_drop(struct asides *all, json_t *value);

/* Whether a value's texts and members come to ASIDE_BYTES_MIN. Looks no further than that. */
bool aside_is_large(const json_t *value);

#endif
