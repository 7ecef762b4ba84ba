/* judge_drain.h: what a guest prints: a pipe that is drained whenever the judge waits for the
 * guest, so that nobody blocks on it; counted against a cap, and kept as far as someone wants it. */
#ifndef ASSAY_JUDGE_DRAIN_H
#define ASSAY_JUDGE_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* What nobody reads may still not be endless: a function's prints, a program's stderr. */
enum { DRAIN_UNREAD_BYTES_MAX = 16 << 20, DRAIN_TAIL_BYTES = 8 << 10 };

enum drain_keep { DRAIN_KEEP_NOTHING, DRAIN_KEEP_TAIL, DRAIN_KEEP_ALL };

struct judge_drain {
    enum drain_keep keep;
    uint64_t seen, max; /* bytes */
    struct buf kept;
};

/* Forgets what was there and begins anew. */
void judge_drain_begin(struct judge_drain *o, enum drain_keep keep, uint64_t max);

/* Reads once what lies in the non-blocking pipe *fd. False: nothing was there; at its end *fd is
 * closed and becomes -1. */
bool judge_drain_read(struct judge_drain *o, int *fd);

bool judge_drain_flooded(const struct judge_drain *o);

#endif
