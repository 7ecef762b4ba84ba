/* frames.c: a buffer before read(), and nothing but write() behind it. */
#include "verifier/frames.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10, KEPT_BYTES = 1 << 20 };

/* The frame at `at`, if all of it is there. 1, 0 if it is not, -EPROTO. */
static int frame_at(const struct frames *f, size_t at, struct wire_header *ret_head)
{
    if (f->in.len - at < sizeof *ret_head)
        return 0;
    memcpy(ret_head, f->in.s + at, sizeof *ret_head);
    if (ret_head->version != WIRE_VERSION || ret_head->zero || ret_head->len > WIRE_JOB_BYTES_MAX)
        return -EPROTO;
    return f->in.len - at - sizeof *ret_head >= ret_head->len;
}

static void drop_used(struct frames *f)
{
    f->in.len -= f->at;
    if (f->in.len && f->at)
        memmove(f->in.s, f->in.s + f->at, f->in.len);
    f->at = 0;
    if (!f->in.len && f->in.cap > KEPT_BYTES)
        buf_free(&f->in);
}

/* Some more bytes: 1, 0 at the end of the input, or a negative errno. */
static int fill(struct frames *f)
{
    struct wire_header head;
    size_t most = READ_BYTES;
    drop_used(f);
    int rc = frame_at(f, 0, &head);
    if (rc < 0)
        return rc;
    if (rc == 0 && f->in.len >= sizeof head) {
        const size_t rest = sizeof head + head.len - f->in.len;
        most = rest > most ? rest : most;
    }
    buf_reserve(&f->in, most);
    ssize_t n;
    do
        n = read(f->fd, f->in.s + f->in.len, most);
    while (n < 0 && errno == EINTR);
    f->in.len += n > 0 ? (size_t)n : 0;
    return n < 0 ? -errno : n > 0;
}

int frames_next(struct frames *f, struct wire_header *ret_head, struct str *ret_payload)
{
    int rc;
    f->fresh = false;
    while ((rc = frame_at(f, f->at, ret_head)) == 0) {
        if ((rc = fill(f)) <= 0)
            return rc == 0 && f->in.len ? -EPROTO : rc;
        f->fresh = true;
    }
    if (rc < 0)
        return rc;
    *ret_payload = str_make(f->in.s + f->at + sizeof *ret_head, ret_head->len);
    f->at += sizeof *ret_head + ret_head->len;
    return 1;
}

bool frames_any(const struct frames *f)
{
    struct wire_header head;
    return frame_at(f, f->at, &head) != 0;
}

bool frames_find(struct frames *f, unsigned type, uint32_t seq)
{
    struct pollfd in = {.fd = f->fd, .events = POLLIN};
    struct wire_header head;
    /* An end or an error comes again when the next frame is asked for. */
    while (!f->fresh && poll(&in, 1, 0) > 0 && fill(f) > 0)
        ;
    for (size_t at = f->at; frame_at(f, at, &head) > 0; at += sizeof head + head.len)
        if (head.type == type && head.seq == seq)
            return true;
    return false;
}

int frames_write(int fd, const void *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t put = write(fd, (const char *)bytes + done, n - done);
        if (put < 0 && errno != EINTR)
            return -errno;
        done += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

void frames_free(struct frames *f)
{
    buf_free(&f->in);
    f->at = 0;
}
