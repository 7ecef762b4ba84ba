/* server.c: libmicrohttpd inside the one libuv loop, without threads.
 *
 * The daemon is in external epoll mode: its epoll descriptor sits in a uv_poll_t and its next
 * time-out in a uv_timer_t; either runs MHD_run. A request whose answer takes time is suspended
 * and resumed with it. A suspended connection is not watched by the daemon, so `struct watch`
 * watches it for a client that hangs up, whose jobs are then cancelled. Whatever completes
 * asynchronously only stores the answer and resumes; MHD_run sends it on the loop's next turn. */
#include "server.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "client.h"

enum {
    REQUEST_MAGIC = 0x48545450,
    DRAIN_MS_MAX = 60000,
    DRAIN_MS_LAST = 1000,
    IDLE_S = 600,
    DROPPED_BYTES_MAX = 4 * ASSAY_BODY_BYTES_MAX,
    CONNECTIONS_MAX = 4096,
    CONNECTIONS_MIN = 8
};

struct watch {
    uv_poll_t poll;
    struct request *request; /* NULL once closed */
};

static void stop(struct server *s);

static void turn(struct server *s)
{
    MHD_UNSIGNED_LONG_LONG ms;
    if (s->stopped)
        return;
    MHD_run(s->daemon);
    if (s->draining && queue_empty(&s->requests))
        stop(s);
    else if (MHD_get_timeout(s->daemon, &ms) == MHD_YES)
        uv_timer_start(&s->timer, s->timer.timer_cb, ms, 0);
    else
        uv_timer_stop(&s->timer);
}

static void on_daemon(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    turn(poll->data);
}

static void on_timer(uv_timer_t *timer)
{
    turn(timer->data);
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle);
}

static void unwatch(struct request *r)
{
    if (!r->watch)
        return;
    r->watch->request = NULL;
    uv_close((uv_handle_t *)&r->watch->poll, on_watch_closed);
    r->watch = NULL;
}

static void wake(struct request *r)
{
    if (!r->suspended)
        return;
    r->suspended = false;
    unwatch(r);
    MHD_resume_connection(r->connection);
    uv_timer_start(&r->server->timer, on_timer, 0, 0);
}

static void hang_up(struct request *r)
{
    r->server->cancelled++;
    r->gone = true;
    routes_cancel(r);
    if (!r->answered)
        request_error(r, MHD_HTTP_SERVICE_UNAVAILABLE, "cancelled");
}

static void on_disconnect(uv_poll_t *poll, int status, int events)
{
    struct watch *w = (struct watch *)poll; /* its first member */
    if (w->request && (status < 0 || events & UV_DISCONNECT))
        hang_up(w->request);
}

static void suspend(struct request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    r->suspended = true;
    MHD_suspend_connection(r->connection);
    struct watch *w = xcalloc(1, sizeof *w);
    if (!info || uv_poll_init(&r->server->loop, &w->poll, info->connect_fd) != 0) {
        free(w);
        return;
    }
    w->request = r;
    r->watch = w;
    uv_poll_start(&w->poll, UV_DISCONNECT, on_disconnect);
}

/* ---- answers --------------------------------------------------------------------------------- */

void request_text(struct request *r, unsigned status, const char *type, struct buf *text)
{
    CHECK(!r->answered);
    r->answered = true;
    r->status = status;
    r->type = type;
    r->answer = *text;
    *text = (struct buf){0};
    wake(r);
}

static int append(const char *bytes, size_t n, void *out)
{
    buf_add(out, bytes, n);
    return 0;
}

void request_answer(struct request *r, unsigned status, json_t *body)
{
    struct buf text = {0};
    CHECK(body && json_dump_callback(body, append, &text, REPORT_JSON) == 0);
    buf_char(&text, '\n');
    json_decref(body);
    request_text(r, status, "application/json", &text);
}

void request_error(struct request *r, unsigned status, const char *fmt, ...)
{
    struct buf text = {0};
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    buf_puts(&text, line);
    json_t *sentence = json_stringn(text.s, text.len);
    buf_free(&text);
    request_answer(r, status,
                   json_pack("{s:o}", "error", sentence ? sentence : json_string("bad request")));
}

bool request_refused(struct request *r, long n)
{
    const struct server *s = r->server;
    if (s->pending == 0 || s->pending + n <= s->options->queue_max)
        return false;
    request_error(r, MHD_HTTP_TOO_MANY_REQUESTS, "%ld completions wait already", s->pending);
    return true;
}

static enum MHD_Result reply(struct request *r)
{
    struct server *s = r->server;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(r->answer.len, r->answer.s, MHD_RESPMEM_MUST_FREE);
    CHECK(response);
    r->answer = (struct buf){0};
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->type);
    if (r->status == MHD_HTTP_TOO_MANY_REQUESTS)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    if (r->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (s->draining)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    s->answers[r->status / 100 % 6]++;
    s->refused += r->status == MHD_HTTP_TOO_MANY_REQUESTS;
    enum MHD_Result rc = MHD_queue_response(r->connection, r->status, response);
    MHD_destroy_response(response);
    return rc;
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Takes the same time for any wrong token of one length. */
static bool may(const struct server *s, struct MHD_Connection *connection)
{
    const char *given =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    const char *token = s->options->token;
    unsigned diff = 0;
    if (!token)
        return true;
    if (!given || strncasecmp(given, "Bearer ", 7) != 0 || strlen(given + 7) != strlen(token))
        return false;
    for (size_t i = 0; token[i]; i++)
        diff |= (unsigned)(given[7 + i] ^ token[i]);
    return diff == 0;
}

static void route(struct request *r, const char *method, const char *path)
{
    bool known = false;
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (size_t i = 0; i < server_n_routes && !r->route; i++)
        if (strcmp(path, server_routes[i].path) == 0) {
            known = true;
            if (strcmp(method, server_routes[i].method) == 0)
                r->route = &server_routes[i];
        }
    if (!known)
        request_error(r, MHD_HTTP_NOT_FOUND, "there is nothing at %s", path);
    else if (!r->route)
        request_error(r, MHD_HTTP_METHOD_NOT_ALLOWED, "%s does not take %s", path, method);
    else if (strcmp(path, ASSAY_HEALTH_PATH) != 0 && !may(r->server, r->connection))
        request_error(r, MHD_HTTP_UNAUTHORIZED, "the bearer token is missing or wrong");
    else if (r->server->draining)
        request_error(r, MHD_HTTP_SERVICE_UNAVAILABLE, "shutting down");
    if (r->answered)
        r->route = NULL;
}

static struct request *request_new(struct server *s, struct MHD_Connection *connection)
{
    struct request *r = xcalloc(1, sizeof *r);
    *r = (struct request){.magic = REQUEST_MAGIC, .server = s, .connection = connection};
    queue_push(&s->requests, &r->node);
    return r;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **con_cls)
{
    struct request *r = *con_cls;
    (void)version;
    if (!r) {
        r = *con_cls = request_new(ctx, connection);
        route(r, method, url);
        return MHD_YES;
    }
    CHECK(r->magic == REQUEST_MAGIC);
    if (*upload_size) {
        /* Too much is still read and dropped, within reason: closing at once would reset the
         * connection before the client has seen the answer. */
        r->received += *upload_size;
        r->too_large = r->too_large || r->received > ASSAY_BODY_BYTES_MAX;
        if (r->route && !r->too_large)
            buf_add(&r->body, upload, *upload_size);
        *upload_size = 0;
        return r->received > DROPPED_BYTES_MAX ? MHD_NO : MHD_YES;
    }
    if (r->too_large && !r->answered)
        request_error(r, MHD_HTTP_CONTENT_TOO_LARGE, "a body may have %d bytes",
                      ASSAY_BODY_BYTES_MAX);
    if (!r->answered)
        r->route->handle(r);
    buf_free(&r->body);
    if (r->answered)
        return reply(r);
    suspend(r);
    return MHD_YES;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode why)
{
    struct request *r = *con_cls;
    (void)ctx;
    (void)connection;
    (void)why;
    if (!r)
        return;
    CHECK(r->magic == REQUEST_MAGIC && !r->suspended);
    routes_release(r);
    queue_remove(&r->node);
    buf_free(&r->body);
    buf_free(&r->answer);
    r->magic = 0;
    free(r);
    *con_cls = NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void stop(struct server *s)
{
    if (s->stopped)
        return;
    s->stopped = true;
    uv_close((uv_handle_t *)&s->poll, NULL);
    uv_close((uv_handle_t *)&s->timer, NULL);
    uv_close((uv_handle_t *)&s->drain, NULL);
    uv_close((uv_handle_t *)&s->on_int, NULL);
    uv_close((uv_handle_t *)&s->on_term, NULL);
    grader_stop(&s->grader);
}

static void on_drain_over(uv_timer_t *timer)
{
    stop(timer->data);
}

/* The time for finishing is over: whoever still waits is told so, and has a moment to hear it. */
static void on_drained(uv_timer_t *timer)
{
    struct server *s = timer->data;
    LOG_WARN("drain=timeout");
    for (struct node *n = s->requests.next, *next; n != &s->requests; n = next) {
        struct request *r = NODE_OWNER(n, struct request, node);
        next = n->next;
        if (r->suspended)
            hang_up(r);
    }
    uv_timer_start(&s->drain, on_drain_over, DRAIN_MS_LAST, 0);
}

static void on_signal(uv_signal_t *handle, int signal)
{
    struct server *s = handle->data;
    if (s->draining) {
        on_drained(&s->drain);
        return;
    }
    LOG_INFO("signal=%d draining pending=%ld", signal, s->pending);
    s->draining = true;
    MHD_quiesce_daemon(s->daemon); /* gives the socket back, open */
    listen_close(&s->listener);
    uv_timer_start(&s->drain, on_drained, DRAIN_MS_MAX, 0);
    turn(s);
}

/* So many that descriptors are left for the helpers, whenever one must be started again. The others
 * wait in the socket's backlog. */
static unsigned connections_max(const struct server *s)
{
    struct rlimit files;
    const rlim_t own = 32 + 8 * (rlim_t)s->options->slots;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= own + CONNECTIONS_MAX)
        return CONNECTIONS_MAX;
    return files.rlim_cur > own + CONNECTIONS_MIN ? (unsigned)(files.rlim_cur - own)
                                                  : CONNECTIONS_MIN;
}

static int start_daemon(struct server *s)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET,
                                 s->listener.fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                                 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
                                 MHD_OPTION_CONNECTION_LIMIT, connections_max(s), MHD_OPTION_END);
    if (!s->daemon)
        return -EIO;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    CHECK(info);
    return uv_poll_init(&s->loop, &s->poll, info->epoll_fd);
}

int server_run(struct server *s, const struct server_options *options,
               const struct problem_set *problems, const struct reward *reward,
               const struct listener *listener)
{
    *s = (struct server){
        .options = options, .problems = problems, .listener = *listener, .started_ns = wall_ns()};
    queue_init(&s->requests);
    CHECK(uv_loop_init(&s->loop) == 0);
    if (start_daemon(s) < 0) {
        LOG_ERROR("http=failed listen=%s", s->listener.name);
        listen_close(&s->listener);
        return -EIO;
    }
    s->grader.reward = *reward;
    s->grader.cache_timed = options->cache_timed;
    grader_start(&s->grader, &s->loop, options->slots);
    uv_timer_init(&s->loop, &s->timer);
    uv_timer_init(&s->loop, &s->drain);
    uv_signal_init(&s->loop, &s->on_int);
    uv_signal_init(&s->loop, &s->on_term);
    s->poll.data = s->timer.data = s->drain.data = s->on_int.data = s->on_term.data = s;
    uv_poll_start(&s->poll, UV_READABLE, on_daemon);
    uv_signal_start(&s->on_int, on_signal, SIGINT);
    uv_signal_start(&s->on_term, on_signal, SIGTERM);
    uv_timer_start(&s->timer, on_timer, 0, 0);
    LOG_INFO("listening=%s problems=%d slots=%d timing=%s", s->listener.name, problems->n,
             options->slots, options->timing ? "yes" : "no");
    uv_run(&s->loop, UV_RUN_DEFAULT);
    MHD_stop_daemon(s->daemon);
    listen_close(&s->listener);
    grader_free(&s->grader);
    LOG_INFO("stopped verdicts=%ld infra=%ld", s->tally.n, s->tally.infra);
    return 0;
}
