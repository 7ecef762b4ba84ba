/* judge_guest.c: the judge's two channels.
 *
 * Descriptor 3 leads to the keeper: one fixed struct a packet, answered in order, guests'
 * descriptors by SCM_RIGHTS. Each guest has a stream socket of its own: frames of wire.h, one
 * answer a question, the question's sequence number repeated. Whoever writes on that socket is
 * hostile: lengths are bounded before memory is taken, an answer that nobody asked for (bytes
 * that already lie there when a question is sent) ends the guest. And it has pipes for what it
 * prints, drained in every wait, so that neither side ever blocks on a full one.
 *
 * Nothing here has a timeout of its own. All waiting happens inside a window of judge_watch.h,
 * at whose end every system call returns EINTR; the keeper's limit comes first and shows up as
 * EOF. */
#include "verifier/judge_guest.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sandbox.h"
#include "verifier/judge.h"
#include "verifier/judge_sleep.h"
#include "verifier/judge_watch.h"

enum { RECEIVE_BYTES = 64 << 10, EXIT_GRACE_MS = 1000, FILE_KIB_MAX = 32 << 10 };

union keeper_message {
    struct keeper_head head;
    struct keeper_forked forked;
    struct keeper_clocked clocked;
    struct keeper_exited exited;
    struct keeper_failed failed;
    struct keeper_hello hello;
};

static uint32_t keeper_seq;
static bool keeper_lost;
static uint32_t kept_on; /* 1 + the core of this process and its guests; 0: any */

bool judge_keeper_lost(void)
{
    return keeper_lost;
}

static int keeper_gone(int code)
{
    keeper_lost = true;
    return code;
}

static size_t message_size(uint32_t kind)
{
    switch (kind) {
    case KEEPER_FORKED:
        return sizeof(struct keeper_forked);
    case KEEPER_CLOCKED:
        return sizeof(struct keeper_clocked);
    case KEEPER_EXITED:
        return sizeof(struct keeper_exited);
    case KEEPER_FAILED:
        return sizeof(struct keeper_failed);
    case KEEPER_HELLO:
        return sizeof(struct keeper_hello);
    default:
        return 0;
    }
}

static int keeper_send(void *message, size_t size, struct err *err)
{
    struct keeper_head *head = message;
    head->seq = ++keeper_seq;
    for (;;) {
        if (send(JUDGE_KEEPER_FD, message, size, MSG_NOSIGNAL) == (ssize_t)size)
            return 0;
        if (errno != EINTR || judge_watch_expired())
            return keeper_gone(err_set(err, -EIO, "keeper: %s", strerror(errno)));
    }
}

/* Descriptors arrive in order: the socket, then the pipe of stdout, or those of stdin, stdout
 * and stderr. */
static void take_descriptors(struct msghdr *msg, int fds[4])
{
    struct cmsghdr *c = CMSG_FIRSTHDR(msg);
    for (int i = 0; i < 4; i++)
        fds[i] = -1;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        size_t bytes = c->cmsg_len - CMSG_LEN(0);
        memcpy(fds, CMSG_DATA(c), bytes < 4 * sizeof *fds ? bytes : 4 * sizeof *fds);
    }
}

/* One message. `fds` may be NULL where none can come. The window's end may find the keeper about to
 * answer: it has one tick more. */
static int keeper_receive(union keeper_message *ret, int fds[4], struct err *err)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
    int none[4] = {-1, -1, -1, -1}, late = 0;
    for (;;) {
        struct iovec iov = {ret, sizeof *ret};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
        msg.msg_control = control;
        msg.msg_controllen = sizeof control;
        ssize_t n = recvmsg(JUDGE_KEEPER_FD, &msg, MSG_CMSG_CLOEXEC);
        if (n < 0 && errno == EINTR && (!judge_watch_expired() || late++ == 0))
            continue;
        if (n < 0)
            return keeper_gone(err_set(err, -EIO, "keeper: %s",
                                       errno == EINTR ? "does not answer" : strerror(errno)));
        if (n == 0)
            return keeper_gone(err_set(err, -EIO, "keeper: it has died"));
        take_descriptors(&msg, fds ? fds : none);
        if ((size_t)n < sizeof(struct keeper_head) || (size_t)n != message_size(ret->head.kind))
            return keeper_gone(err_set(err, -EPROTO, "keeper: message of %zd bytes", n));
        return 0;
    }
}

static void close_all(struct judge_guest *g)
{
    if (g->fd >= 0)
        close(g->fd);
    g->fd = -1;
    for (int i = 0; i < 3; i++) {
        if (g->pipes[i] >= 0)
            close(g->pipes[i]);
        g->pipes[i] = -1;
    }
}

int judge_keeper_hello(struct keeper_hello *ret, struct err *err)
{
    union keeper_message m;
    TRY(keeper_receive(&m, NULL, err));
    if (m.head.kind != KEEPER_HELLO)
        return keeper_gone(err_set(err, -EPROTO, "keeper: no hello"));
    *ret = m.hello;
    return 0;
}

static int wait_ready(struct judge_guest *g, struct err *err)
{
    struct judge_frame frame;
    int rc = judge_guest_receive(g, &frame);
    if (rc == 0 && frame.type == GUEST_READY && frame.end - frame.at == sizeof g->isolation) {
        memcpy(&g->isolation, frame.at, sizeof g->isolation); /* what it found out itself */
        return 0;
    }
    /* No program was loaded yet, so whatever happened is not the candidate's doing. */
    bool surely;
    judge_guest_finish(g, NULL);
    return err_set(err, judge_guest_was_killed(g, &surely) ? -EOWNERDEAD : -EIO,
                   "guest did not start: %s", rc < 0 ? g->why : "no ready frame");
}

void judge_keep_on(int core)
{
    cpu_set_t one;
    if (core < 0 || core >= CPU_SETSIZE)
        return;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    if (sched_setaffinity(0, sizeof one, &one) == 0)
        kept_on = 1 + (uint32_t)core;
}

int judge_guest_start(struct judge_guest *g, const struct limits *limits, enum guest_use use,
                      struct err *err)
{
    const bool stdio = use == GUEST_FOR_STREAMS;
    struct keeper_fork fork = {
        .head.kind = KEEPER_FORK,
        .stdio = stdio,
        .timed = use == GUEST_FOR_PAIR          ? KEEPER_PAIR_FIRST
                 : use == GUEST_FOR_PAIR_SECOND ? KEEPER_PAIR_SECOND
                                                : KEEPER_UNTIMED,
        .threads = (uint32_t)limits->threads,
        .core = kept_on,
        .cpu_us = (uint64_t)(limits->cpu_s * 1e6),
        .wall_us = (uint64_t)(limits->wall_s * 1e6),
        .memory_kib = (uint64_t)limits->memory_mib << 10,
        .file_kib = FILE_KIB_MAX,
    };
    struct judge_guest old = *g;
    union keeper_message m;
    int fds[4];
    *g = (struct judge_guest){
        .fd = -1, .pipes = {-1, -1, -1}, .question = old.question, .input = old.input};
    buf_clear(&g->input);
    for (int i = 1; i < 3; i++) {
        g->drains[i].kept = old.drains[i].kept;
        judge_drain_begin(&g->drains[i], DRAIN_KEEP_NOTHING, DRAIN_UNREAD_BYTES_MAX);
    }
    g->memory_kib = (int64_t)limits->memory_mib << 10;
    judge_sleep_begin(fork.timed != KEEPER_UNTIMED);
    TRY(keeper_send(&fork, sizeof fork, err));
    TRY(keeper_receive(&m, fds, err));
    if (m.head.kind == KEEPER_FAILED)
        return err_set(err, -EIO, "keeper: %.*s", (int)sizeof m.failed.what, m.failed.what);
    if (m.head.kind != KEEPER_FORKED || fds[stdio ? 3 : 1] < 0)
        return keeper_gone(
            err_set(err, -EPROTO, "keeper: message %u instead of a guest", m.head.kind));
    g->fd = fds[0];
    g->isolation = m.forked.isolation;
    if (stdio)
        memcpy(g->pipes, fds + 1, sizeof g->pipes);
    else
        g->pipes[1] = fds[1];
    for (int i = 0; i < 3; i++)
        if (g->pipes[i] >= 0)
            (void)fcntl(g->pipes[i], F_SETFL, O_NONBLOCK);
    return wait_ready(g, err);
}

int judge_guest_fail(struct judge_guest *g, enum reason reason, const char *why)
{
    if (!g->over) {
        g->over = true;
        g->reason = reason;
        snprintf(g->why, sizeof g->why, "%s", why);
    }
    return GUEST_OVER;
}

/* The socket is closed or broken. Mostly the guest has died, and the keeper's report, on its
 * way, says of what. */
static int lost(struct judge_guest *g)
{
    struct pollfd poll_keeper = {.fd = JUDGE_KEEPER_FD, .events = POLLIN};
    struct err err = {0};
    if (judge_watch_expired())
        return judge_guest_fail(g, REASON_TIME_LIMIT, "no answer within the wall clock limit");
    if (!g->exited && poll(&poll_keeper, 1, EXIT_GRACE_MS) == 1)
        (void)judge_guest_poll_exit(g, &err);
    if (!g->exited)
        return judge_guest_fail(g, REASON_PROTOCOL, "the program closed its channel");
    if (g->end.cause == KEEPER_BY_ITSELF && WIFEXITED(g->end.status) &&
        WEXITSTATUS(g->end.status) == GUEST_EXIT_MEMORY)
        return judge_guest_fail(g, REASON_MEMORY_LIMIT, "no memory to hold a question or answer");
    if (g->end.cause == KEEPER_BY_ITSELF && !WIFSIGNALED(g->end.status))
        return judge_guest_fail(g, REASON_CRASHED, "the program ended its process");
    return judge_guest_fail(g, judge_reason_of_end(&g->end, g->memory_kib),
                            "the program's process was killed");
}

/* If the guest is gone g->exited is set, and the answer says nothing. */
static int ask_clock(struct judge_guest *g, struct keeper_clocked *ret, struct err *err)
{
    struct keeper_head ask = {.kind = KEEPER_CLOCK};
    union keeper_message m;
    TRY(keeper_send(&ask, sizeof ask, err));
    TRY(keeper_receive(&m, NULL, err));
    if (m.head.kind == KEEPER_EXITED && !g->exited) {
        g->end = m.exited;
        g->exited = true;
        TRY(keeper_receive(&m, NULL, err));
    }
    if (m.head.kind != KEEPER_CLOCKED)
        return keeper_gone(
            err_set(err, -EPROTO, "keeper: message %u instead of a clock", m.head.kind));
    *ret = m.clocked;
    return 0;
}

int judge_guest_poll(struct judge_guest *g, struct pollfd *fds, unsigned n)
{
    struct keeper_clocked clocked = {0};
    struct err err = {0};
    int ready;
    while ((ready = poll(fds, n, judge_sleep_wait_ms())) == 0) {
        /* A keeper that is lost takes its guest along, which shows in the descriptors. */
        if (ask_clock(g, &clocked, &err) < 0 || g->exited) {
            judge_sleep_end();
            return 0;
        }
        judge_sleep_look((int64_t)clocked.cpu_ns);
    }
    return ready;
}

int judge_guest_drain(struct judge_guest *g, int which)
{
    struct judge_drain *o = &g->drains[which];
    (void)judge_drain_read(o, &g->pipes[which]);
    if (!judge_drain_flooded(o))
        return 0;
    return judge_guest_fail(g, REASON_OUTPUT_LIMIT, "more output than the limit allows");
}

/* Until the guest's socket has something to read (POLLIN) or room to write (POLLOUT). */
static int await(struct judge_guest *g, short events)
{
    for (;;) {
        struct pollfd fds[3] = {
            {.fd = g->fd, .events = events},
            {.fd = g->pipes[1], .events = POLLIN},
            {.fd = g->pipes[2], .events = POLLIN},
        };
        if (judge_guest_poll(g, fds, 3) < 0) {
            if (errno == EINTR && !judge_watch_expired())
                continue;
            return lost(g);
        }
        for (int i = 1; i < 3; i++)
            if (fds[i].revents)
                TRY(judge_guest_drain(g, i));
        if (fds[0].revents)
            return 0;
    }
}

struct buf *judge_guest_question(struct judge_guest *g)
{
    static const struct wire_header space;
    buf_clear(&g->question);
    buf_add(&g->question, &space, sizeof space);
    return &g->question;
}

int judge_guest_send(struct judge_guest *g, uint8_t type, uint32_t seq)
{
    struct wire_header h = {
        .len = (uint32_t)(g->question.len - sizeof h),
        .version = WIRE_VERSION,
        .type = type,
        .seq = seq,
    };
    CHECK(g->question.len >= sizeof h && g->question.len - sizeof h <= UINT32_MAX);
    if (g->over)
        return GUEST_OVER;
    if (g->input_from < g->input.len)
        return judge_guest_fail(g, REASON_PROTOCOL, "an answer that nobody asked for");
    memcpy(g->question.s, &h, sizeof h);
    for (size_t at = 0; at < g->question.len;) {
        ssize_t n =
            send(g->fd, g->question.s + at, g->question.len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            at += (size_t)n;
        else if (errno == EAGAIN)
            TRY(await(g, POLLOUT));
        else if (errno != EINTR || judge_watch_expired())
            return lost(g);
    }
    return 0;
}

/* Waits until `need` unconsumed bytes are there. */
static int fill(struct judge_guest *g, size_t need)
{
    while (g->input.len - g->input_from < need) {
        size_t missing = need - (g->input.len - g->input_from);
        size_t room = missing > RECEIVE_BYTES ? missing : RECEIVE_BYTES;
        /* Taken step by step: a frame's length is only a claim until its bytes arrive. */
        if (room > 8 * RECEIVE_BYTES)
            room = 8 * RECEIVE_BYTES;
        buf_reserve(&g->input, room);
        TRY(await(g, POLLIN));
        ssize_t n = recv(g->fd, g->input.s + g->input.len, room, MSG_DONTWAIT);
        if (n > 0)
            g->input.len += (size_t)n;
        else if (n == 0 || (errno != EINTR && errno != EAGAIN) || judge_watch_expired())
            return lost(g);
    }
    return 0;
}

int judge_guest_receive(struct judge_guest *g, struct judge_frame *ret)
{
    struct wire_header h;
    if (g->over)
        return GUEST_OVER;
    if (g->input_from == g->input.len) {
        buf_clear(&g->input);
        g->input_from = 0;
    }
    TRY(fill(g, sizeof h));
    memcpy(&h, g->input.s + g->input_from, sizeof h);
    if (h.version != WIRE_VERSION || h.zero != 0 || h.len > WIRE_GUEST_BYTES_MAX)
        return judge_guest_fail(g, REASON_PROTOCOL, "not a frame");
    TRY(fill(g, sizeof h + h.len));
    const uint8_t *payload = (const uint8_t *)g->input.s + g->input_from + sizeof h;
    *ret = (struct judge_frame){h.type, h.seq, payload, payload + h.len};
    g->input_from += sizeof h + h.len;
    return 0;
}

int judge_guest_poll_exit(struct judge_guest *g, struct err *err)
{
    struct pollfd poll_keeper = {.fd = JUDGE_KEEPER_FD, .events = POLLIN};
    union keeper_message m;
    if (g->exited)
        return 1;
    if (poll(&poll_keeper, 1, 0) != 1)
        return 0;
    TRY(keeper_receive(&m, NULL, err));
    if (m.head.kind != KEEPER_EXITED)
        return keeper_gone(
            err_set(err, -EPROTO, "keeper: message %u instead of an exit", m.head.kind));
    g->end = m.exited;
    g->exited = true;
    return 1;
}

int judge_guest_clock(struct judge_guest *g, struct keeper_clocked *ret, struct err *err)
{
    TRY(ask_clock(g, ret, err));
    return g->exited ? lost(g) : 0;
}

int judge_guest_finish(struct judge_guest *g, struct err *err)
{
    struct keeper_head kill_it = {.kind = KEEPER_KILL};
    union keeper_message m;
    int rc = 0;
    judge_sleep_end();
    close_all(g);
    if (!g->exited)
        rc = keeper_send(&kill_it, sizeof kill_it, err);
    while (rc == 0 && !g->exited) {
        rc = keeper_receive(&m, NULL, err);
        if (rc == 0 && m.head.kind == KEEPER_EXITED) {
            g->end = m.exited;
            g->exited = true;
        } else if (rc == 0 && m.head.kind != KEEPER_CLOCKED) {
            rc = keeper_gone(
                err_set(err, -EPROTO, "keeper: message %u instead of an exit", m.head.kind));
        }
    }
    g->over = true;
    /* A large answer must not stay with us for the next thousand small ones. */
    if (g->input.cap > (1u << 20))
        buf_free(&g->input);
    if (g->question.cap > (1u << 20))
        buf_free(&g->question);
    return rc;
}

void judge_guest_free(struct judge_guest *g)
{
    buf_free(&g->question);
    buf_free(&g->input);
    for (int i = 0; i < 3; i++)
        buf_free(&g->drains[i].kept);
}

/* Whether a death by this signal is one of a process that got no more memory: C code that was
 * refused an allocation mostly aborts, long before all it may have is touched, and the kernel
 * kills for pages that are not all the process's own. */
static bool out_of_memory(const struct keeper_exited *end, int64_t limit_kib)
{
    int signal = WTERMSIG(end->status);
    int64_t share = signal == SIGABRT || signal == SIGKILL ? 2 : 10;
    return (int64_t)end->memory_peak_kib * share >= limit_kib * (share - 1);
}

bool judge_guest_was_killed(const struct judge_guest *g, bool *ret_surely)
{
    bool for_others = g->exited && g->end.cause == KEEPER_BY_HOST;
    bool killed = g->exited && g->end.cause == KEEPER_BY_ITSELF && WIFSIGNALED(g->end.status) &&
                  WTERMSIG(g->end.status) == SIGKILL;
    *ret_surely = for_others ||
                  (killed && (g->isolation & SBX_PIDNS) && !out_of_memory(&g->end, g->memory_kib));
    return killed || for_others;
}

enum reason judge_reason_of_end(const struct keeper_exited *end, int64_t memory_limit_kib)
{
    if (end->cause == KEEPER_BY_CPU || end->cause == KEEPER_BY_WALL)
        return REASON_TIME_LIMIT;
    if (end->cause == KEEPER_BY_DISK)
        return REASON_OUTPUT_LIMIT;
    if (end->cause == KEEPER_BY_MEMORY)
        return REASON_MEMORY_LIMIT;
    if (!WIFSIGNALED(end->status))
        return WEXITSTATUS(end->status) == 0 ? REASON_NONE : REASON_EXCEPTION;
    switch (WTERMSIG(end->status)) {
    case SIGSYS:
        return REASON_FORBIDDEN;
    case SIGXCPU:
        return REASON_TIME_LIMIT;
    case SIGXFSZ:
        return REASON_OUTPUT_LIMIT;
    }
    return out_of_memory(end, memory_limit_kib) ? REASON_MEMORY_LIMIT : REASON_CRASHED;
}
