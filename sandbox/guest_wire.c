/* guest_wire.c: the guest's end of its socket. The judge is trusted to speak the protocol, and
 * the program to break it: it owns this process and may write to the descriptor itself. Whatever
 * goes wrong ends this process, and the judge draws its conclusions. */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "sandbox/guest.h"

/* One thread at a time speaks with the judge, and it keeps the turn from its message to the
 * reply. */
void guest_take_turn(struct guest *g)
{
    if (PyThread_acquire_lock(g->turn, NOWAIT_LOCK))
        return;
    Py_BEGIN_ALLOW_THREADS PyThread_acquire_lock(g->turn, WAIT_LOCK);
    Py_END_ALLOW_THREADS
}

void guest_end_turn(struct guest *g)
{
    PyThread_release_lock(g->turn);
}

/* What came with an earlier read and belongs to a later one: a header and a short payload are one
 * call of the kernel. Whoever reads has the turn. */
static struct {
    char bytes[1024];
    size_t at, end;
} inbox;

/* Until there is something to read. Whoever waits within read() is woken as well when the judge takes
 * an answer away, because then there is room to write, and goes back to sleep: two more changes of
 * process for each call of a function, which cost more than this one call of the kernel. */
static void await(void)
{
    struct pollfd socket = {.fd = GUEST_SOCKET_FD, .events = POLLIN};
    while (poll(&socket, 1, -1) < 0 && errno == EINTR)
        ;
}

/* False at the end of the stream. */
static bool read_full(void *to, size_t n)
{
    for (char *at = to; n;) {
        const size_t ready = inbox.end - inbox.at < n ? inbox.end - inbox.at : n;
        memcpy(at, inbox.bytes + inbox.at, ready);
        inbox.at += ready;
        at += ready;
        n -= ready;
        if (n == 0)
            break;
        const bool direct = n >= sizeof inbox.bytes;
        await();
        ssize_t got =
            read(GUEST_SOCKET_FD, direct ? at : inbox.bytes, direct ? n : sizeof inbox.bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        inbox.at = 0;
        inbox.end = direct ? 0 : (size_t)got;
        at += direct ? got : 0;
        n -= direct ? (size_t)got : 0;
    }
    return true;
}

static bool write_full(const void *from, size_t n)
{
    for (const char *at = from; n;) {
        ssize_t put = write(GUEST_SOCKET_FD, at, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        at += put;
        n -= (size_t)put;
    }
    return true;
}

void guest_read(struct guest_frame *frame)
{
    bool ok;
    Py_BEGIN_ALLOW_THREADS ok = read_full(&frame->head, sizeof frame->head);
    Py_END_ALLOW_THREADS if (!ok) _exit(0); /* the judge has hung up: it is done with this guest */
    if (frame->head.version != WIRE_VERSION || frame->head.zero ||
        frame->head.len > WIRE_GUEST_BYTES_MAX)
        _exit(GUEST_EXIT_PROTOCOL);
    frame->payload = xcalloc(1, frame->head.len);
    Py_BEGIN_ALLOW_THREADS ok = read_full(frame->payload, frame->head.len);
    Py_END_ALLOW_THREADS if (!ok) _exit(0);
    frame->at = frame->payload;
    frame->end = frame->payload + frame->head.len;
}

void guest_frame_free(struct guest_frame *frame)
{
    free(frame->payload);
    frame->payload = NULL;
}

void guest_write(uint8_t type, uint32_t seq, struct buf *payload)
{
    struct wire_header head = {
        .len = (uint32_t)payload->len, .version = WIRE_VERSION, .type = type, .seq = seq};
    bool ok;
    /* One write for small answers: header and payload side by side. */
    buf_reserve(payload, sizeof head);
    if (payload->len)
        memmove(payload->s + sizeof head, payload->s, payload->len);
    memcpy(payload->s, &head, sizeof head);
    Py_BEGIN_ALLOW_THREADS ok = write_full(payload->s, sizeof head + payload->len);
    Py_END_ALLOW_THREADS if (!ok) _exit(0);
    buf_free(payload);
}

static const uint8_t *take(struct guest_frame *frame, size_t n)
{
    if ((size_t)(frame->end - frame->at) < n)
        _exit(GUEST_EXIT_PROTOCOL);
    const uint8_t *p = frame->at;
    frame->at += n;
    return p;
}

uint8_t guest_take_u8(struct guest_frame *frame)
{
    return *take(frame, 1);
}

uint32_t guest_take_u32(struct guest_frame *frame)
{
    uint32_t x;
    memcpy(&x, take(frame, sizeof x), sizeof x);
    return x;
}

struct str guest_take_name(struct guest_frame *frame)
{
    uint32_t n = guest_take_u32(frame);
    return str_make((const char *)take(frame, n), n);
}

/* A value that there is no memory for is the program's error; bytes that mean nothing are not. */
PyObject *guest_take_value(struct guest *g, struct value_memo *memo, struct guest_frame *frame)
{
    int code = 0;
    PyObject *value = value_decode_with(memo, &frame->at, frame->end, &g->hook, &code);
    if (!value && code != -ENOMEM)
        _exit(GUEST_EXIT_PROTOCOL);
    if (!value)
        PyErr_NoMemory();
    return value;
}

/* Containers that the judge has changed. */
void guest_take_contents(struct guest *g, struct value_memo *memo, struct guest_frame *frame)
{
    int code = 0;
    if (value_decode_contents(memo, &frame->at, frame->end, &g->hook, &code) < 0)
        _exit(GUEST_EXIT_PROTOCOL);
}

void guest_put_name(struct buf *out, struct str name)
{
    uint32_t n = (uint32_t)name.len;
    buf_add(out, &n, sizeof n);
    buf_str(out, name);
}
