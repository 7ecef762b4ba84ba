/* client_harness.h: a scripted HTTP server on a unix socket, a thread per connection. */
#ifndef ASSAY_CLIENT_HARNESS_H
#define ASSAY_CLIENT_HARNESS_H

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "trainer/client/client.h"

enum mode {
    GRADE,
    BUSY_AT_FIRST,
    DROP_AT_FIRST,
    HANG,
    HANG_ONE,
    BAD_REQUEST,
    REFUSE_WRONG,
    NONSENSE,
    ALWAYS_BUSY,
    TOO_FEW
};

struct server {
    char dir[32], path[64];
    int listener;
    bool keep;
    _Atomic enum mode mode;
    int slots;
    pthread_t thread, connection[64];
    int n_connections;
    _Atomic int requests, items, largest, stopping, fds[64];
};

/* ---- the scripted server -------------------------------------------------------------------- */

static int read_request(int fd, struct buf *b, char path[200], json_t **ret_body)
{
    char bytes[4096];
    ptrdiff_t end;
    buf_clear(b);
    while ((end = str_find(buf_view(b), STR("\r\n\r\n"), 0)) < 0) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n <= 0)
            return -1;
        buf_add(b, bytes, (size_t)n);
    }
    char *length = strcasestr(b->s, "Content-Length:");
    size_t want = (size_t)end + 4 + (length ? strtoul(length + 15, NULL, 10) : 0);
    while (b->len < want) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n <= 0)
            return -1;
        buf_add(b, bytes, (size_t)n);
    }
    sscanf(b->s, "%*s %199s", path);
    *ret_body = json_loadb(b->s + end + 4, want - (size_t)end - 4, 0, NULL);
    return 0;
}

static void respond(int fd, const char *status, const char *extra, const char *body)
{
    struct buf b = {0};
    buf_printf(&b, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, extra, strlen(body),
               body);
    const ssize_t sent = send(fd, b.s, b.len, MSG_NOSIGNAL);
    /* server_stop() may have ended the connection meanwhile, or the client may have gone. */
    assert_true(sent == (ssize_t)b.len || (sent < 0 && (errno == EPIPE || errno == ECONNRESET)));
    buf_free(&b);
}

/* Each verdict's reward is the number that the response holds; "infra" has none. */
static char *verdicts_for(const json_t *body, size_t leave_out)
{
    json_t *list = json_array(), *item;
    size_t i;
    json_array_foreach (json_object_get(body, "items"), i, item) {
        const char *text = json_string_value(json_object_get(item, "response"));
        if (i < leave_out)
            continue;
        json_array_append_new(
            list, strcmp(text, "infra") == 0
                      ? json_pack("{s:n, s:n, s:s}", "grade", "reward", "infra", "disk full")
                      : json_pack("{s:s, s:f}", "grade", "correct", "reward", atof(text)));
    }
    json_t *root = json_pack("{s:o}", "verdicts", list);
    char *text = json_dumps(root, 0);
    json_decref(root);
    return text;
}

static void answer_get(const struct server *s, int fd, const char *path)
{
    int source = 0, offset = 0, limit = 0;
    struct buf b = {0};
    if (strcmp(path, "/healthz") == 0) {
        buf_printf(&b, "{\"status\":\"ok\",\"slots\":%d}", s->slots);
        respond(fd, "200 OK", "", b.s);
        buf_free(&b);
        return;
    }
    sscanf(path, "/v1/problems?source=%d&offset=%d&limit=%d", &source, &offset, &limit);
    if (source == 9) {
        respond(fd, "404 Not Found", "", "{\"error\":\"no source 9\"}");
        return;
    }
    buf_puts(&b, "{\"total\":4500,\"problems\":[");
    for (int i = offset; i < 4500 && i < offset + limit; i++)
        buf_printf(&b, "%s{\"id\":\"p%d\",\"prompt\":\"x\"}", i > offset ? "," : "", i);
    buf_puts(&b, "]}");
    respond(fd, "200 OK", "", b.s);
    buf_free(&b);
}

static bool has_wrong(const json_t *body)
{
    const json_t *item;
    size_t i;
    json_array_foreach (json_object_get(body, "items"), i, item)
        if (strcmp(json_string_value(json_object_get(item, "response")), "wrong") == 0)
            return true;
    return false;
}

static void answer_grade(struct server *s, int fd, const json_t *body)
{
    int n = (int)json_array_size(json_object_get(body, "items")), request = s->requests++;
    s->items += n;
    if (n > s->largest)
        s->largest = n;
    bool hang = s->mode == HANG || (s->mode == HANG_ONE && request == 0);
    while (hang && !s->stopping)
        usleep(5000);
    if (hang)
        return;
    if (s->mode == ALWAYS_BUSY || (s->mode == BUSY_AT_FIRST && request < 5)) {
        respond(fd, request % 2 ? "503 Service Unavailable" : "429 Too Many Requests",
                "Retry-After: 0\r\n", "{\"error\":\"busy\"}");
    } else if (s->mode == DROP_AT_FIRST && request < 3) {
        shutdown(fd, SHUT_RDWR);
    } else if (s->mode == BAD_REQUEST) {
        respond(fd, "400 Bad Request", "", "{\"error\":\"unknown task_id `nope`\"}");
    } else if (s->mode == REFUSE_WRONG && has_wrong(body)) {
        respond(fd, "400 Bad Request", "", "{\"error\":\"this one is wrong\"}");
    } else if (s->mode == NONSENSE) {
        respond(fd, "200 OK", "", "hello");
    } else {
        usleep(2000);
        char *text = verdicts_for(body, s->mode == TOO_FEW);
        respond(fd, "200 OK", "", text);
        free(text);
    }
}

struct connection {
    struct server *s;
    int fd;
};

static void *serve_connection(void *ctx)
{
    struct connection c = *(struct connection *)ctx;
    struct buf b = {0};
    char path[200];
    json_t *body;
    free(ctx);
    while (!c.s->stopping && read_request(c.fd, &b, path, &body) == 0) {
        if (strcmp(path, "/v1/grade") == 0)
            answer_grade(c.s, c.fd, body);
        else
            answer_get(c.s, c.fd, path);
        json_decref(body);
    }
    buf_free(&b);
    return NULL;
}

static void *serve(void *ctx)
{
    struct server *s = ctx;
    while (!s->stopping) {
        struct pollfd p = {.fd = s->listener, .events = POLLIN};
        if (poll(&p, 1, 20) <= 0)
            continue;
        struct connection *c = malloc(sizeof *c);
        *c = (struct connection){s, accept(s->listener, NULL, NULL)};
        assert_true(s->n_connections < 64);
        s->fds[s->n_connections] = c->fd;
        pthread_create(&s->connection[s->n_connections++], NULL, serve_connection, c);
    }
    return NULL;
}

/* In the folder `dir`, or in a new one that server_stop removes. */
static struct server *server_at(const char *dir, enum mode mode)
{
    struct server *s = calloc(1, sizeof *s);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    s->mode = mode;
    s->slots = 2;
    s->keep = dir != NULL;
    snprintf(s->dir, sizeof s->dir, "%s", dir ? dir : "/tmp/assay-client-XXXXXX");
    assert_true(dir || mkdtemp(s->dir));
    snprintf(s->path, sizeof s->path, "%s/s", s->dir);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", s->path);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s->listener, 64), 0);
    pthread_create(&s->thread, NULL, serve, s);
    return s;
}

static inline struct server *server_start(enum mode mode)
{
    return server_at(NULL, mode);
}

static void server_stop(struct server *s)
{
    s->stopping = 1;
    pthread_join(s->thread, NULL);
    for (int i = 0; i < s->n_connections; i++)
        shutdown(s->fds[i], SHUT_RDWR);
    for (int i = 0; i < s->n_connections; i++) {
        pthread_join(s->connection[i], NULL);
        close(s->fds[i]);
    }
    close(s->listener);
    unlink(s->path);
    if (!s->keep)
        rmdir(s->dir);
    free(s);
}

static inline struct client *client_of_all(const char *const *paths, int n, double deadline_s,
                                           double give_up_s)
{
    struct client *c;
    struct err err = {0};
    char text[4][80];
    const char *urls[4];
    for (int i = 0; i < n; i++) {
        snprintf(text[i], sizeof text[i], "unix:%s", paths[i]);
        urls[i] = text[i];
    }
    const struct client_options opt = {.urls = urls,
                                       .n_urls = n,
                                       .items_per_request = 4,
                                       .requests_in_flight = 3,
                                       .deadline_s = deadline_s,
                                       .give_up_s = give_up_s};
    if (client_start(&opt, &c, &err) < 0)
        fail_msg("%s", err.text);
    return c;
}

static inline struct client *client_of(const char *path, double deadline_s, double give_up_s)
{
    return client_of_all(&path, 1, deadline_s, give_up_s);
}

/* Enqueues n completions whose rewards are 0 .. n-1. */
static inline void enqueue(struct client *c, int n)
{
    char text[32];
    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof text, "%d", i);
        client_grade(c, "task", text, strlen(text), (void *)(intptr_t)i);
    }
}

/* Collects them all; each comes exactly once with its own reward. `after`: once `when` are there. */
static inline void collect(struct client *c, int n, int when, void (*after)(void *ctx), void *ctx)
{
    bool *seen = calloc((size_t)n, sizeof *seen);
    for (int i = 0; i < n; i++) {
        if (after && i == when)
            after(ctx);
        struct client_verdict v;
        struct err err = {0};
        if (client_wait(c, 10, &v, &err) < 0)
            fail_msg("%s", err.text);
        int k = (int)(intptr_t)v.cookie;
        assert_false(seen[k]);
        seen[k] = true;
        assert_true(v.reward == k);
        assert_int_equal(v.grade, GRADE_CORRECT);
        json_decref(v.verdict);
    }
    struct client_verdict v;
    assert_int_equal(client_wait(c, 1, &v, NULL), -EAGAIN);
    free(seen);
}

static inline void grade_all(struct client *c, int n)
{
    enqueue(c, n);
    collect(c, n, 0, NULL, NULL);
}

#endif
