/* judge_drain.c: reads, counts, keeps. Nothing here looks at the bytes. */
#include "verifier/judge_drain.h"

#include <unistd.h>

enum { READ_BYTES = 64 << 10 };

void judge_drain_begin(struct judge_drain *o, enum drain_keep keep, uint64_t max)
{
    buf_clear(&o->kept);
    o->keep = keep;
    o->max = max;
    o->seen = 0;
}

bool judge_drain_flooded(const struct judge_drain *o)
{
    return o->seen > o->max;
}

static void keep(struct judge_drain *o, size_t n)
{
    struct buf *b = &o->kept;
    b->len += n;
    b->s[b->len] = 0;
    if (o->keep == DRAIN_KEEP_TAIL && b->len > 2 * DRAIN_TAIL_BYTES) {
        memmove(b->s, b->s + b->len - DRAIN_TAIL_BYTES, DRAIN_TAIL_BYTES + 1);
        b->len = DRAIN_TAIL_BYTES;
    }
}

bool judge_drain_read(struct judge_drain *o, int *fd)
{
    static char waste[READ_BYTES];
    char *into = waste;
    if (o->keep != DRAIN_KEEP_NOTHING) {
        buf_reserve(&o->kept, READ_BYTES);
        into = o->kept.s + o->kept.len;
    }
    ssize_t n = read(*fd, into, READ_BYTES);
    if (n > 0) {
        o->seen += (uint64_t)n;
        if (o->keep != DRAIN_KEEP_NOTHING)
            keep(o, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(*fd);
        *fd = -1;
    }
    return n > 0;
}
