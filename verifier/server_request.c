/* server_request.c: one request: its client and its time.
 *
 * A request whose answer takes time is suspended and resumed with it. A suspended connection is not
 * watched by the daemon, so `struct watch` watches it for a client that hangs up. */
#include <malloc.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "client.h"
#include "server.h"

enum { TRIM_BYTES_MIN = 4 << 20 };

/* libuv runs a timer of 0 among those that are due, before it looks at any descriptor. */
static const double TURN_S = .001;

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

void request_wake(struct request *r)
{
    if (!r->suspended)
        return;
    r->suspended = false;
    unwatch(r);
    MHD_resume_connection(r->connection);
    if (!r->server->stopped)
        uv_timer_start(&r->server->timer, r->server->timer.timer_cb, 0, 0);
}

static void unset_alarm(struct alarm **set);

void request_hang_up(struct request *r)
{
    r->server->metrics.cancelled++;
    r->gone = true;
    unset_alarm(&r->alarm);
    unset_alarm(&r->soon);
    request_unread(r);
    request_unwrite(r);
    routes_release(r);
    if (!r->answered)
        request_later(r, MHD_HTTP_SERVICE_UNAVAILABLE, "cancelled");
    request_wake(r);
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
    struct alarm **set; /* where the request has it */
    void (*expire)(struct request *r);
};

static void unset_alarm(struct alarm **set)
{
    if (*set)
        uv_close((uv_handle_t *)&(*set)->timer, on_closed);
    *set = NULL;
}

static void on_alarm(uv_timer_t *timer)
{
    struct alarm *a = (struct alarm *)timer; /* its first member */
    unset_alarm(a->set);
    a->expire(a->request);
}

static void set_alarm(struct request *r, struct alarm **set, double seconds,
                      void (*expire)(struct request *))
{
    struct alarm *a = xcalloc(1, sizeof *a);
    CHECK(!*set);
    a->request = r;
    a->set = set;
    a->expire = expire;
    *set = a;
    uv_timer_init(&r->server->loop, &a->timer);
    uv_update_time(&r->server->loop);
    uv_timer_start(&a->timer, on_alarm, (uint64_t)(seconds * 1000), 0);
}

void request_alarm(struct request *r, double seconds, void (*expire)(struct request *))
{
    set_alarm(r, &r->alarm, seconds, expire);
}

void request_soon(struct request *r, void (*go_on)(struct request *))
{
    if (!r->soon)
        set_alarm(r, &r->soon, TURN_S, go_on);
}

void request_hold(struct request *r, size_t bytes)
{
    r->held += bytes;
    r->server->held += bytes;
}

/* ---- begin and end --------------------------------------------------------------------------- */

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
            r->allow = server_routes[i].method;
            if (strcmp(method, r->allow) == 0)
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
    unset_alarm(&r->alarm);
    unset_alarm(&r->soon);
    request_unread(r);
    request_unwrite(r);
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
