/* frames.h: the helpers' end of the channel to the verifier (wire.h): frames as they come in on a
 * descriptor, as many in one read as have arrived, and whole frames out. */
#ifndef ASSAY_FRAMES_H
#define ASSAY_FRAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "wire.h"

/* Zero but for `fd` when it is new. */
struct frames {
    int fd;
    bool fresh;    /* the last frame was read when it was asked for, not before */
    struct buf in; /* what has been read */
    size_t at;     /* how much of that was handed out */
};

/* The next frame, once there is one: 1, 0 at the end of the input, -EPROTO for what is no frame or half
 * of one, another negative errno. *ret_payload is good until the next call. */
int frames_next(struct frames *f, struct wire_header *ret_head, struct str *ret_payload);

/* Whether a whole frame is at hand, so that frames_next would read nothing. */
bool frames_any(const struct frames *f);

/* Whether such a frame has arrived behind the last one. Waits for nothing. */
bool frames_find(struct frames *f, unsigned type, uint32_t seq);

/* All of it: 0 or a negative errno. A signal handler may call it. */
int frames_write(int fd, const void *bytes, size_t n);

void frames_free(struct frames *f);

#endif
