/* server_answer.c: what a request is told.
 *
 * Whatever completes asynchronously only stores the answer and resumes the connection; the daemon
 * sends it on the loop's next turn. A large answer, or a large line of a stream, is written aside
 * (aside.h) first.
 *
 * A streamed answer is a buffer that the daemon empties (on_read). When there is nothing in it the
 * connection is suspended like any other; when the client does not read, the buffer stays as it
 * is, and whoever fills it stops. */
#include <stdlib.h>

#include "base/utf8.h"
#include "server.h"

enum { STREAM_BLOCK_BYTES = 64 << 10, STALL_S = 60 };

/* ---- answers --------------------------------------------------------------------------------- */

void request_text(struct request *r, unsigned status, const char *type, struct buf *text)
{
    CHECK(!r->answered);
    r->answered = true;
    r->status = status;
    r->type = type;
    r->answer = *text;
    *text = (struct buf){0};
    request_hold(r, r->answer.len);
    request_wake(r);
}

static int append(const char *bytes, size_t n, void *out)
{
    buf_add(out, bytes, n);
    return 0;
}

static void write_line(struct buf *out, json_t *body)
{
    CHECK(body && json_dump_callback(body, append, out, REPORT_JSON | JSON_ENCODE_ANY) == 0);
    buf_char(out, '\n');
    json_decref(body);
}

/* A large answer, or a large line of a stream. */
struct writing {
    struct node node;
    struct aside aside;
    struct request *request; /* NULL: it is gone */
    unsigned status;
    json_t *body;
    struct buf text;
};

static void work(struct aside *a)
{
    struct writing *w = NODE_OWNER(a, struct writing, aside);
    write_line(&w->text, w->body);
}

static void add_text(struct request *r, const struct buf *text)
{
    buf_str(&r->answer, buf_view(text));
    request_hold(r, text->len);
    request_wake(r);
}

static void on_written(struct aside *a)
{
    struct writing *w = NODE_OWNER(a, struct writing, aside);
    struct request *r = w->request;
    if (r)
        queue_remove(&w->node);
    if (r && r->more)
        add_text(r, &w->text);
    else if (r)
        request_text(r, w->status, "application/json", &w->text);
    buf_free(&w->text);
    free(w);
}

static void write_aside(struct request *r, unsigned status, json_t *body)
{
    struct writing *w = xcalloc(1, sizeof *w);
    *w = (struct writing){
        .aside = {.work = work, .done = on_written}, .request = r, .status = status, .body = body};
    queue_push(&r->writings, &w->node);
    asides_submit(&r->server->grader.asides, &w->aside);
}

void request_unwrite(struct request *r)
{
    struct node *n;
    while ((n = queue_pop(&r->writings)))
        NODE_OWNER(n, struct writing, node)->request = NULL;
}

void request_answer(struct request *r, unsigned status, json_t *body)
{
    struct buf text = {0};
    if (aside_is_large(body)) {
        write_aside(r, status, body);
        return;
    }
    write_line(&text, body);
    request_text(r, status, "application/json", &text);
}

json_t *request_sentence(const char *text)
{
    struct buf clean = {0};
    utf8_clean(str_of(text), &clean);
    json_t *sentence = json_stringn(buf_view(&clean).s, clean.len);
    buf_free(&clean);
    return sentence;
}

__attribute__((format(printf, 3, 0))) static void answer_error(struct request *r, unsigned status,
                                                               const char *fmt, va_list ap)
{
    char line[1024];
    vsnprintf(line, sizeof line, fmt, ap);
    json_t *body = json_pack("{s:o}", "error", request_sentence(line));
    if (r->fusion)
        json_object_set(body, "detail", json_object_get(body, "error"));
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
    struct buf text = {0};
    if (aside_is_large(line)) {
        write_aside(r, MHD_HTTP_OK, line);
        return;
    }
    write_line(&text, line);
    add_text(r, &text);
    buf_free(&text);
}

void request_stream_end(struct request *r)
{
    r->ended = true;
    request_wake(r);
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
    if (r->ended && queue_empty(&r->writings))
        return MHD_CONTENT_READER_END_OF_STREAM;
    request_suspend(r);
    return 0;
}

/* ---- to the daemon --------------------------------------------------------------------------- */

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
    if (r->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, r->allow);
    if (s->draining)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    s->metrics.answers[r->status / 100 % 6]++;
    enum MHD_Result rc = MHD_queue_response(r->connection, r->status, response);
    MHD_destroy_response(response);
    return rc;
}
