/* helper.c: a child process of the verifier (assay-judge, assay-keeper or assay-lint).
 *
 * It runs as the same user with a short, fixed environment, so nothing of the verifier's
 * environment reaches the process that runs foreign code. Descriptors: 0 and 1 are stream socket
 * pairs to the loop (frames of wire.h) or /dev/null, 2 is the verifier's stderr, 3 is what the
 * owner gave. Everything else is close-on-exec. A helper confines itself. Its frames are still
 * bounded here, and only headers are looked at. */
#include "helper.h"

#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "wire.h"

enum {
    HELPER_MAGIC = 0x48454c50,
    READ_BYTES = 64 << 10,
    LINGER_MS_MAX = 1000,
    ENVIRONMENT_MAX = 16
};

struct helper {
    unsigned magic;
    struct helper_events events;
    void *ctx;
    char name[32];
    uv_process_t process;
    uv_timer_t linger; /* of helper_dismiss */
    uv_pipe_t to, from;
    bool frames, stopped, exited;
    int open; /* handles not yet closed */
    struct buf in;
};

struct outgoing {
    uv_write_t req;
    struct wire_header head;
    struct buf payload;
};

static struct helper *helper_of(const uv_handle_t *handle)
{
    struct helper *h = handle->data;
    CHECK(h && h->magic == HELPER_MAGIC);
    return h;
}

static char folder[PATH_MAX];

void helper_set_folder(const char *path)
{
    snprintf(folder, sizeof folder, "%s", path);
}

const char *helper_folder(void)
{
    if (!folder[0]) {
        ssize_t n = readlink("/proc/self/exe", folder, sizeof folder - 1);
        CHECK(n > 0);
        folder[n] = 0;
        *strrchr(folder, '/') = 0;
    }
    return folder;
}

static char *python_environment[2];

void helper_set_python(const char *path, const char *preload)
{
    const char *const names[] = {"ASSAY_PYTHON_PATH", "ASSAY_PYTHON_PRELOAD"};
    const char *const values[] = {path, preload};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct buf text = {0};
        buf_printf(&text, "%s=%s", names[i], values[i]);
        free(python_environment[i]);
        python_environment[i] = text.s;
    }
}

const char *helper_python(void)
{
    static struct buf both;
    buf_clear(&both);
    for (size_t i = 0; i < COUNT_OF(python_environment); i++)
        buf_printf(&both, "%s;", python_environment[i] ? python_environment[i] : "");
    return both.s;
}

/* What a helper may know of our environment: nothing but these. */
static void environment_make(char *ret_env[ENVIRONMENT_MAX])
{
    static const char *const kept[] = {
        "ASSAY_SANDBOX_WITHOUT=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TZ="};
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", lang[] = "LANG=C.UTF-8";
    extern char **environ;
    int n = 0;
    ret_env[n++] = path;
    ret_env[n++] = lang;
    for (size_t i = 0; i < COUNT_OF(python_environment); i++)
        if (python_environment[i])
            ret_env[n++] = python_environment[i];
    for (char **e = environ; *e; e++)
        for (size_t i = 0; i < COUNT_OF(kept); i++)
            if (strncmp(*e, kept[i], strlen(kept[i])) == 0 && n < ENVIRONMENT_MAX - 1)
                ret_env[n++] = *e;
    ret_env[n] = NULL;
}

static void on_closed(uv_handle_t *handle)
{
    struct helper *h = helper_of(handle);
    if (--h->open > 0)
        return;
    buf_free(&h->in);
    h->magic = 0;
    free(h);
}

__attribute__((format(printf, 3, 4))) static void say_gone(struct helper *h, bool killed,
                                                           const char *fmt, ...)
{
    char why[160];
    va_list ap;
    if (h->stopped || !h->events.gone)
        return;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    struct helper_events events = h->events;
    h->events = (struct helper_events){0};
    events.gone(h->ctx, why, killed);
}

static void close_process(struct helper *h)
{
    uv_close((uv_handle_t *)&h->process, on_closed);
    uv_close((uv_handle_t *)&h->linger, on_closed);
}

static void on_ended(uv_process_t *process, int64_t status, int signal)
{
    struct helper *h = helper_of((uv_handle_t *)process);
    h->exited = true;
    if (h->stopped)
        close_process(h);
    else if (signal)
        say_gone(h, signal == SIGKILL, "%s died of signal %d (%s)", h->name, signal,
                 strsignal(signal));
    else
        say_gone(h, false, "%s exited with status %lld", h->name, (long long)status);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *ret_buf)
{
    struct helper *h = helper_of(handle);
    (void)hint;
    buf_reserve(&h->in, READ_BYTES);
    *ret_buf = uv_buf_init(h->in.s + h->in.len, READ_BYTES);
}

/* Hands out every whole frame of h->in, then moves the rest to the front. */
static void take_frames(struct helper *h)
{
    size_t at = 0;
    while (h->events.frame && h->in.len - at >= sizeof(struct wire_header)) {
        struct wire_header head;
        memcpy(&head, h->in.s + at, sizeof head);
        if (head.version != WIRE_VERSION || head.zero || head.len > WIRE_JOB_BYTES_MAX) {
            say_gone(h, false, "%s sent a malformed frame", h->name);
            return;
        }
        if (h->in.len - at - sizeof head < head.len) {
            buf_reserve(&h->in, head.len);
            break;
        }
        h->events.frame(h->ctx, head.type, head.seq,
                        str_make(h->in.s + at + sizeof head, head.len));
        at += sizeof head + head.len;
    }
    if (at) {
        memmove(h->in.s, h->in.s + at, h->in.len - at);
        h->in.len -= at;
    }
    if (h->in.len == 0 && h->in.cap > (4u << 20))
        buf_free(&h->in);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
    struct helper *h = helper_of((uv_handle_t *)stream);
    (void)chunk;
    if (n < 0) { /* its exit says why; one that closes stdout and lives on meets its deadline */
        uv_read_stop(stream);
        return;
    }
    h->in.len += (size_t)n;
    take_frames(h);
}

static void on_written(uv_write_t *req, int status)
{
    struct outgoing *o = (struct outgoing *)req; /* its first member */
    (void)status; /* one that does not read has died, as on_ended says, or meets its deadline */
    buf_free(&o->payload);
    free(o);
}

static void frame_bufs(struct outgoing *o, uv_buf_t ret_bufs[2])
{
    ret_bufs[0] = uv_buf_init((char *)&o->head, sizeof o->head);
    ret_bufs[1] = uv_buf_init(o->payload.s, (unsigned)o->payload.len);
}

/* What the socket has no room for now. */
static void send_later(struct helper *h, const struct outgoing *frame, size_t done)
{
    struct outgoing *o = xcalloc(1, sizeof *o);
    uv_buf_t bufs[2];
    *o = *frame;
    frame_bufs(o, bufs);
    for (int i = 0; i < 2; i++) {
        const size_t n = done < bufs[i].len ? done : bufs[i].len;
        bufs[i].base += n;
        bufs[i].len -= n;
        done -= n;
    }
    const unsigned first = bufs[0].len ? 0 : 1;
    int rc = uv_write(&o->req, (uv_stream_t *)&h->to, bufs + first, 2 - first, on_written);
    if (rc < 0)
        on_written(&o->req, rc);
}

/* Nearly always there is room for all of it, and then the loop need not come back to it. */
void helper_send(struct helper *h, unsigned type, uint32_t seq, struct buf *payload)
{
    CHECK(h->frames && !h->stopped && payload->len <= WIRE_JOB_BYTES_MAX);
    struct outgoing frame = {.head = {.len = (uint32_t)payload->len,
                                      .version = WIRE_VERSION,
                                      .type = (uint8_t)type,
                                      .seq = seq},
                             .payload = *payload};
    uv_buf_t bufs[2];
    *payload = (struct buf){0};
    frame_bufs(&frame, bufs);
    int put = uv_try_write((uv_stream_t *)&h->to, bufs, 2);
    if (put >= 0 && (size_t)put == sizeof frame.head + frame.payload.len)
        buf_free(&frame.payload);
    else
        send_later(h, &frame, put > 0 ? (size_t)put : 0);
}

static int spawn(struct helper *h, uv_loop_t *loop, const struct helper_spec *spec)
{
    char file[PATH_MAX + 64], *argv[] = {h->name, NULL}, *env[ENVIRONMENT_MAX];
    snprintf(file, sizeof file, "%s/%s", helper_folder(), spec->program);
    environment_make(env);
    uv_stdio_container_t io[4] = {{.flags = UV_IGNORE},
                                  {.flags = UV_IGNORE},
                                  {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
                                  {.flags = UV_IGNORE}};
    if (spec->frames) {
        io[0] = (uv_stdio_container_t){.flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
                                       .data.stream = (uv_stream_t *)&h->to};
        io[1] = (uv_stdio_container_t){.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
                                       .data.stream = (uv_stream_t *)&h->from};
    }
    if (spec->fd3 >= 0)
        io[3] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = spec->fd3};
    uv_process_options_t options = {
        .file = file,
        .args = argv,
        .env = env,
        .exit_cb = on_ended,
        .flags = UV_PROCESS_DETACHED, /* a session: a terminal's Ctrl-C is for the verifier alone */
        .stdio = io,
        .stdio_count = spec->fd3 >= 0 ? 4 : 3};
    return uv_spawn(loop, &h->process, &options);
}

struct helper *helper_start(uv_loop_t *loop, const struct helper_spec *spec, struct err *err)
{
    struct helper *h = xcalloc(1, sizeof *h);
    h->magic = HELPER_MAGIC;
    h->events = *spec->events;
    h->ctx = spec->ctx;
    h->frames = spec->frames;
    snprintf(h->name, sizeof h->name, "%s", spec->program);
    h->process.data = h->to.data = h->from.data = h->linger.data = h;
    h->open = 2;
    uv_timer_init(loop, &h->linger);
    if (spec->frames) {
        h->open = 4;
        CHECK(uv_pipe_init(loop, &h->to, 0) == 0 && uv_pipe_init(loop, &h->from, 0) == 0);
    }
    int rc = spawn(h, loop, spec);
    if (rc == 0) {
        CHECK(!spec->frames || uv_read_start((uv_stream_t *)&h->from, on_alloc, on_read) == 0);
        return h;
    }
    err_set(err, rc, "cannot start %s/%s: %s", helper_folder(), spec->program, uv_strerror(rc));
    h->exited = true; /* uv_spawn leaves an inactive handle that only wants closing */
    helper_stop(h);
    return NULL;
}

static void on_lingering(uv_timer_t *timer)
{
    struct helper *h = helper_of((uv_handle_t *)timer);
    kill(-h->process.pid, SIGKILL);
}

/* From here on it is nobody's: on_ended closes what is left once the process is reaped. */
static void let_go(struct helper *h)
{
    CHECK(h->magic == HELPER_MAGIC && !h->stopped);
    h->stopped = true;
    h->events = (struct helper_events){0};
    if (h->frames) {
        uv_close((uv_handle_t *)&h->to, on_closed);
        uv_close((uv_handle_t *)&h->from, on_closed);
    }
    if (h->exited)
        close_process(h);
}

void helper_stop(struct helper *h)
{
    let_go(h);
    if (!h->exited)
        kill(-h->process.pid, SIGKILL); /* its whole session */
}

void helper_dismiss(struct helper *h)
{
    let_go(h);
    if (!h->exited)
        uv_timer_start(&h->linger, on_lingering, LINGER_MS_MAX, 0);
}
