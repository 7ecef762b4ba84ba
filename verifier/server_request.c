/* server_request.c: one request: its answer, its client and its time.
 *
 * A request whose answer takes time is suspended and resumed with it. A suspended connection is not
 * watched by the daemon, so `struct watch` watches it for a client that hangs up. Whatever
 * completes asynchronously only stores the answer and resumes; the daemon sends it on the loop's
 * next turn.
 *
 * A streamed answer is a buffer that the daemon empties (on_read). When there is nothing in it the
 * connection is suspended like any other; when the client does not read, the buffer stays as it
 * is, and whoever fills it stops. */
#include <malloc.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "client.h"
#include "server.h"

enum { STREAM_BLOCK_BYTES = 64 << 10, STALL_S = 60, TRIM_BYTES_MIN = 4 << 20 };

/* ---- the client ------------------------------------------------------------------------------ */

struct watch {
    uv_poll_t poll;
    struct request *request; /* NULL once closed */
};

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void unwatch(struct request *r)
{
    if (!r->watch)
        return;
    r->watch->request = NULL;
    uv_close((uv_handle_t *)&r->watch->poll, on_closed);
    r->watch = NULL;
}

static void wake(struct request *r)
{
    if (!r->suspended)
        return;
    r->suspended = false;
    unwatch(r);
    MHD_resume_connection(r->connection);
    if (!r->server->stopped)
        uv_timer_start(&r->server->timer, r->server->timer.timer_cb, 0, 0);
}

static void unset_alarm(struct request *r);

void request_hang_up(struct request *r)
{
    r->server->metrics.cancelled++;
    r->gone = true;
    unset_alarm(r);
    routes_release(r);
    if (!r->answered)
        request_later(r, MHD_HTTP_SERVICE_UNAVAILABLE, "cancelled");
    wake(r);
}

static void on_disconnect(uv_poll_t *poll, int status, int events)
{
    struct watch *w = (struct watch *)poll; /* its first member */
    if (w->request && (status < 0 || events & UV_DISCONNECT))
        request_hang_up(w->request);
}

void request_suspend(struct request *r)
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

/* ---- its time -------------------------------------------------------------------------------- */

struct alarm {
    uv_timer_t timer;
    struct request *request;
    void (*expire)(struct request *r);
};

static void unset_alarm(struct request *r)
{
    if (r->alarm)
        uv_close((uv_handle_t *)&r->alarm->timer, on_closed);
    r->alarm = NULL;
}

static void on_alarm(uv_timer_t *timer)
{
    struct alarm *a = (struct alarm *)timer; /* its first member */
    struct request *r = a->request;
    unset_alarm(r);
    a->expire(r);
}

void request_alarm(struct request *r, double seconds, void (*expire)(struct request *))
{
    struct alarm *a = xcalloc(1, sizeof *a);
    CHECK(!r->alarm);
    a->request = r;
    a->expire = expire;
    r->alarm = a;
    uv_timer_init(&r->server->loop, &a->timer);
    uv_update_time(&r->server->loop);
    uv_timer_start(&a->timer, on_alarm, (uint64_t)(seconds * 1000), 0);
}

/* ---- answers --------------------------------------------------------------------------------- */

void request_hold(struct request *r, size_t bytes)
{
    r->held += bytes;
    r->server->held += bytes;
}

void request_text(struct request *r, unsigned status, const char *type, struct buf *text)
{
    CHECK(!r->answered);
    r->answered = true;
    r->status = status;
    r->type = type;
    r->answer = *text;
    *text = (struct buf){0};
    request_hold(r, r->answer.len);
    wake(r);
}

static int append(const char *bytes, size_t n, void *out)
{
    buf_add(out, bytes, n);
    return 0;
}

static void add_line(struct buf *out, json_t *body)
{
    CHECK(body && json_dump_callback(body, append, out, REPORT_JSON | JSON_ENCODE_ANY) == 0);
    buf_char(out, '\n');
    json_decref(body);
}

void request_answer(struct request *r, unsigned status, json_t *body)
{
    struct buf text = {0};
    add_line(&text, body);
    request_text(r, status, "application/json", &text);
}

__attribute__((format(printf, 3, 0))) static void answer_error(struct request *r, unsigned status,
                                                               const char *fmt, va_list ap)
{
    char line[1024];
    vsnprintf(line, sizeof line, fmt, ap);
    json_t *sentence = json_string(line), *body;
    if (!sentence)
        sentence = json_string("bad request");
    body = json_pack("{s:O}", "error", sentence);
    if (r->fusion)
        json_object_set(body, "detail", sentence);
    json_decref(sentence);
    request_answer(r, status, body);
}

void request_error(struct request *r, unsigned status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    answer_error(r, status, fmt, ap);
    va_end(ap);
}

void request_later(struct request *r, unsigned status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    answer_error(r, r->fusion ? MHD_HTTP_GATEWAY_TIMEOUT : status, fmt, ap);
    va_end(ap);
}

bool request_refused(struct request *r, long n)
{
    struct server *s = r->server;
    if (s->pending == 0 || s->pending + n <= s->options->queue_max)
        return false;
    s->metrics.refused++;
    request_later(r, MHD_HTTP_TOO_MANY_REQUESTS, "%ld completions wait already", s->pending);
    return true;
}

/* ---- streams --------------------------------------------------------------------------------- */

void request_stream(struct request *r, const char *type, void (*more)(struct request *))
{
    struct buf none = {0};
    r->more = more;
    request_text(r, MHD_HTTP_OK, type, &none);
}

void request_stream_add(struct request *r, json_t *line)
{
    size_t before = r->answer.len;
    add_line(&r->answer, line);
    request_hold(r, r->answer.len - before);
    wake(r);
}

void request_stream_end(struct request *r)
{
    r->ended = true;
    wake(r);
}

size_t request_unsent(const struct request *r)
{
    return r->answer.len - r->sent;
}

/* Some of the stream, for the daemon; 0 after suspending the connection. */
static ssize_t on_read(void *ctx, uint64_t at, char *out, size_t max)
{
    struct request *r = ctx;
    (void)at;
    if (r->gone)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t n = request_unsent(r) < max ? request_unsent(r) : max;
    if (n) {
        memcpy(out, r->answer.s + r->sent, n);
        r->sent += n;
        r->held -= n;
        r->server->held -= n;
    }
    if (r->sent == r->answer.len) {
        r->answer.len = r->sent = 0;
    } else if (r->sent > STREAM_BYTES_MAX) {
        memmove(r->answer.s, r->answer.s + r->sent, request_unsent(r));
        r->answer.len -= r->sent;
        r->sent = 0;
    }
    if (n) {
        r->more(r);
        return (ssize_t)n;
    }
    if (r->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    request_suspend(r);
    return 0;
}

/* ---- begin and end --------------------------------------------------------------------------- */

static struct MHD_Response *response_of(struct request *r)
{
    struct MHD_Response *response;
    if (r->more) {
        /* A client that does not read is let go, so that its completions do not stay queued. */
        MHD_set_connection_option(r->connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)STALL_S);
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, on_read,
                                                     r, NULL);
    } else {
        response =
            MHD_create_response_from_buffer(r->answer.len, r->answer.s, MHD_RESPMEM_MUST_FREE);
        r->answer = (struct buf){0};
    }
    CHECK(response);
    return response;
}

enum MHD_Result request_reply(struct request *r)
{
    struct server *s = r->server;
    struct MHD_Response *response = response_of(r);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->type);
    MHD_add_response_header(response, "X-Request-Id", r->name);
    if (r->status == MHD_HTTP_TOO_MANY_REQUESTS || r->status == MHD_HTTP_SERVICE_UNAVAILABLE ||
        r->status == MHD_HTTP_GATEWAY_TIMEOUT)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    if (r->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (s->draining)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    s->metrics.answers[r->status / 100 % 6]++;
    enum MHD_Result rc = MHD_queue_response(r->connection, r->status, response);
    MHD_destroy_response(response);
    return rc;
}

/* Takes the same time for any wrong token of one length. */
static bool may(const struct request *r)
{
    const char *given =
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    const char *token = r->server->options->token;
    unsigned diff = 0;
    if (!token)
        return true;
    if (!given || strncasecmp(given, "Bearer ", 7) != 0 || strlen(given + 7) != strlen(token))
        return false;
    for (size_t i = 0; token[i]; i++)
        diff |= (unsigned)(given[7 + i] ^ token[i]);
    return diff == 0;
}

static void name_request(struct request *r)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const char *given = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "X-Request-Id");
    size_t n = given ? strlen(given) : 0;
    bool good = n > 0 && n <= REQUEST_NAME_MAX && strspn(given, plain) == n;
    long number = ++r->server->metrics.requests;
    if (good)
        memcpy(r->name, given, n + 1);
    else
        snprintf(r->name, sizeof r->name, "%ld", number);
}

void request_begin(struct request *r, const char *method, const char *path)
{
    bool known = false;
    r->begun_ns = wall_ns();
    name_request(r);
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (size_t i = 0; i < server_n_routes && !r->route; i++)
        if (strcmp(path, server_routes[i].path) == 0) {
            known = true;
            r->fusion = server_routes[i].fusion;
            if (strcmp(method, server_routes[i].method) == 0)
                r->route = &server_routes[i];
        }
    if (!known)
        request_error(r, MHD_HTTP_NOT_FOUND, "there is nothing at %s", path);
    else if (!r->route)
        request_error(r, MHD_HTTP_METHOD_NOT_ALLOWED, "%s does not take %s", path, method);
    else if (strcmp(path, ASSAY_HEALTH_PATH) != 0 && !may(r))
        request_error(r, MHD_HTTP_UNAUTHORIZED, "the bearer token is missing or wrong");
    else if (r->server->draining)
        request_later(r, MHD_HTTP_SERVICE_UNAVAILABLE, "shutting down");
    if (r->answered)
        r->route = NULL;
}

static void note(struct request *r)
{
    struct server *s = r->server;
    double seconds = (double)(wall_ns() - r->begun_ns) / 1e9;
    if (r->route)
        histogram_add(&s->metrics.routes[r->route - server_routes], seconds);
    if (s->options->log >= SERVER_LOG_REQUESTS)
        LOG_INFO("request=%s path=%s status=%u bytes=%zu ms=%.1f%s", r->name,
                 r->route ? r->route->path : "-", r->status, r->received, seconds * 1e3,
                 r->gone ? " gone=yes" : "");
}

void request_close(struct request *r)
{
    note(r);
    unwatch(r);
    unset_alarm(r);
    catalog_drop(r->catalog);
    r->catalog = NULL;
    buf_free(&r->body);
    buf_free(&r->answer);
    r->server->held -= r->held;
    r->held = 0;
    /* What many small pieces of a large request leave behind goes back to the system. */
    if (r->received > TRIM_BYTES_MIN)
        malloc_trim(0);
}
