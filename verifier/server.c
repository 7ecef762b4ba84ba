/* server.c: libmicrohttpd inside the one libuv loop, without threads, and the life of the process.
 *
 * The daemon is in external epoll mode: its epoll descriptor sits in a uv_poll_t and its next
 * time-out in a uv_timer_t; either runs MHD_run.
 *
 * Two things happen in threads. Large bodies and answers are read and written there (aside.h). And on
 * SIGHUP the problems are read anew, which takes as long as it takes; when that has succeeded,
 * requests that come from then on get the new ones. */
#include "server.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "client.h"
#include "outlet.h"

enum {
    REQUEST_MAGIC = 0x48545450,
    DRAIN_MS_MAX = 60000,
    DRAIN_MS_LAST = 1000,
    IDLE_S = 600,
    LOG_MS = 200,
    DROPPED_BYTES_MAX = 4 * ASSAY_BODY_BYTES_MAX,
    CONNECTIONS_MAX = 4096,
    CONNECTIONS_MIN = 8,
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

/* Lines of the log that nobody read yet are tried again from time to time. */
static void on_log(uv_timer_t *timer)
{
    if (!outlet_flush())
        uv_timer_stop(timer);
}

static void on_turn(uv_prepare_t *prepare)
{
    struct server *s = prepare->data;
    if (!uv_is_active((uv_handle_t *)&s->log) && outlet_flush())
        uv_timer_start(&s->log, on_log, LOG_MS, LOG_MS);
}

/* ---- requests -------------------------------------------------------------------------------- */

static struct request *request_new(struct server *s, struct MHD_Connection *connection)
{
    struct request *r = xcalloc(1, sizeof *r);
    *r = (struct request){.magic = REQUEST_MAGIC,
                          .server = s,
                          .connection = connection,
                          .catalog = catalog_keep(s->catalog)};
    queue_init(&r->writings);
    queue_push(&s->requests, &r->node);
    return r;
}

/* One more piece of the body. What is too much is still read and dropped, within reason: closing
 * at once would reset the connection before the client has seen the answer. */
static enum MHD_Result receive(struct request *r, const char *bytes, size_t n)
{
    const size_t held_max = (size_t)r->server->options->held_max_mib << 20;
    r->received += n;
    r->too_large = r->too_large || r->received > ASSAY_BODY_BYTES_MAX;
    /* A request alone may always hold what it needs. */
    r->too_many = r->too_many || (r->server->held + n > held_max && r->server->held > r->held);
    if (r->route && !r->too_large && !r->too_many) {
        buf_add(&r->body, bytes, n);
        request_hold(r, n);
    }
    return r->received > DROPPED_BYTES_MAX ? MHD_NO : MHD_YES;
}

static void handle(struct request *r)
{
    if (r->too_large && !r->answered)
        request_error(r, MHD_HTTP_CONTENT_TOO_LARGE, "a body may have %d bytes",
                      ASSAY_BODY_BYTES_MAX);
    if (r->too_many && !r->answered) {
        r->server->metrics.refused++;
        request_later(r, MHD_HTTP_TOO_MANY_REQUESTS, "the requests in work are too large already");
    }
    if (r->answered)
        buf_free(&r->body);
    else if (r->route->reads)
        request_read(r);
    else
        r->route->handle(r);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **con_cls)
{
    struct request *r = *con_cls;
    (void)version;
    if (!r) {
        r = *con_cls = request_new(ctx, connection);
        request_begin(r, method, url);
        return MHD_YES;
    }
    CHECK(r->magic == REQUEST_MAGIC);
    if (*upload_size) {
        size_t n = *upload_size;
        *upload_size = 0;
        return receive(r, upload, n);
    }
    if (!r->begun) {
        r->begun = true;
        handle(r);
    }
    if (r->answered)
        return request_reply(r);
    request_suspend(r);
    return MHD_YES;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode why)
{
    struct request *r = *con_cls;
    (void)ctx;
    (void)connection;
    if (!r)
        return;
    CHECK(r->magic == REQUEST_MAGIC && !r->suspended);
    r->gone = r->gone || why != MHD_REQUEST_TERMINATED_COMPLETED_OK;
    routes_release(r);
    queue_remove(&r->node);
    request_close(r);
    r->magic = 0;
    free(r);
    *con_cls = NULL;
}

/* ---- problems read anew ---------------------------------------------------------------------- */

struct reload {
    uv_work_t work;
    struct server *server;
    struct catalog *catalog; /* NULL: see err */
    struct err err;
    bool again; /* asked for once more meanwhile */
};

static void begin_reload(struct server *s);

static void read_problems(uv_work_t *work)
{
    struct reload *l = NODE_OWNER(work, struct reload, work);
    const struct server_options *o = l->server->options;
    catalog_load(o->specs, o->n_specs, &l->catalog, &l->err); /* or l->err says why not */
}

static void on_reloaded(uv_work_t *work, int status)
{
    struct reload *l = NODE_OWNER(work, struct reload, work);
    struct server *s = l->server;
    bool again = l->again && !s->stopped;
    s->reload = NULL;
    if (status == 0 && l->catalog && !s->stopped) {
        catalog_drop(s->catalog);
        s->catalog = l->catalog;
        s->metrics.reloads++;
        LOG_INFO("reload=done problems=%d", s->catalog->set.n);
    } else if (!s->stopped) {
        struct buf why = {0};
        log_escape(&why, str_of(l->err.text), sizeof l->err.text);
        s->metrics.reload_failures++;
        LOG_ERROR("reload=failed problems=%d why=\"%s\"", s->catalog->set.n, buf_view(&why).s);
        buf_free(&why);
    } else {
        catalog_drop(l->catalog);
    }
    free(l);
    if (again)
        begin_reload(s);
}

static void begin_reload(struct server *s)
{
    struct reload *l = s->reload = xcalloc(1, sizeof *l);
    l->server = s;
    CHECK(uv_queue_work(&s->loop, &l->work, read_problems, on_reloaded) == 0);
}

static void on_hangup(uv_signal_t *handle, int signal)
{
    struct server *s = handle->data;
    (void)signal;
    if (s->reload)
        s->reload->again = true;
    else if (!s->draining)
        begin_reload(s);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void stop(struct server *s)
{
    if (s->stopped)
        return;
    s->stopped = true;
    for (struct node *n = s->requests.next, *next; n != &s->requests; n = next) {
        struct request *r = NODE_OWNER(n, struct request, node);
        next = n->next;
        request_hang_up(r);
    }
    uv_close((uv_handle_t *)&s->poll, NULL);
    uv_close((uv_handle_t *)&s->timer, NULL);
    uv_close((uv_handle_t *)&s->drain, NULL);
    uv_close((uv_handle_t *)&s->log, NULL);
    uv_close((uv_handle_t *)&s->each_turn, NULL);
    uv_close((uv_handle_t *)&s->on_int, NULL);
    uv_close((uv_handle_t *)&s->on_term, NULL);
    uv_close((uv_handle_t *)&s->on_hup, NULL);
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
            request_hang_up(r);
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

static void start_handles(struct server *s)
{
    uv_timer_init(&s->loop, &s->timer);
    uv_timer_init(&s->loop, &s->drain);
    uv_timer_init(&s->loop, &s->log);
    uv_prepare_init(&s->loop, &s->each_turn);
    uv_signal_init(&s->loop, &s->on_int);
    uv_signal_init(&s->loop, &s->on_term);
    uv_signal_init(&s->loop, &s->on_hup);
    s->poll.data = s->timer.data = s->drain.data = s->each_turn.data = s;
    s->on_int.data = s->on_term.data = s->on_hup.data = s;
    uv_prepare_start(&s->each_turn, on_turn);
    uv_poll_start(&s->poll, UV_READABLE, on_daemon);
    uv_signal_start(&s->on_int, on_signal, SIGINT);
    uv_signal_start(&s->on_term, on_signal, SIGTERM);
    uv_signal_start(&s->on_hup, on_hangup, SIGHUP);
    uv_timer_start(&s->timer, on_timer, 0, 0);
}

int server_run(struct server *s, const struct server_options *options, struct catalog *catalog,
               const struct reward *reward, const struct listener *listener)
{
    *s = (struct server){
        .options = options, .catalog = catalog, .listener = *listener, .started_ns = wall_ns()};
    outlet_open();
    queue_init(&s->requests);
    CHECK(server_n_routes <= METRICS_ROUTES_MAX && uv_loop_init(&s->loop) == 0);
    if (start_daemon(s) < 0) {
        LOG_ERROR("http=failed listen=%s", s->listener.name);
        listen_close(&s->listener);
        catalog_drop(s->catalog);
        outlet_close();
        return -EIO;
    }
    s->grader.reward = *reward;
    s->grader.cache_timed = options->cache_timed;
    grader_start(&s->grader, &s->loop, options->slots);
    start_handles(s);
    LOG_INFO("listening=%s problems=%d slots=%d timing=%s", s->listener.name, catalog->set.n,
             options->slots, options->timing ? "yes" : "no");
    uv_run(&s->loop, UV_RUN_DEFAULT);
    MHD_stop_daemon(s->daemon);
    listen_close(&s->listener);
    grader_free(&s->grader);
    catalog_drop(s->catalog);
    LOG_INFO("stopped verdicts=%ld infra=%ld", s->metrics.tally.n, s->metrics.tally.infra);
    outlet_close();
    return 0;
}
