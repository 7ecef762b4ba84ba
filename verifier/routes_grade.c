/* routes_grade.c: POST /v1/grade: some items in, their verdicts out.
 *
 * The items are checked before any of them is begun: a bad one, and nothing is graded. Then they
 * are begun in order, WINDOW of them at a time, so that a large request leaves room in the queue
 * for small ones. The verdicts come together in the order of the items, or each on a line of its
 * own as it is found; while a client does not read its lines, no further item is begun. When the
 * request's deadline comes, what has no verdict yet gets one that says so: our fault, no grade. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/keys.h"
#include "client.h"
#include "grade.h"
#include "samples.h"
#include "server.h"

enum { WINDOW_MIN = 64, WINDOW_PER_SLOT = 4, DEADLINE_S_MAX = 86400, TURN_NS = 4000000 };

/* One item; `job` is NULL before it is begun and once there is a verdict. */
struct served {
    struct request *request;
    struct job *job;
    json_t *item, *verdict; /* a streamed verdict is sent and not kept */
    const struct problem *problem;
    int sample;
    int64_t begun_ns;
    bool done;
};

struct grading {
    struct served *rows;
    struct asker asker;
    int n, next, running, left;
    bool timing, stream, beginning, finished;
    double deadline_s; /* 0: none */
};

void routes_grade_release(struct request *r)
{
    struct grading *g = r->grading;
    if (!g)
        return;
    r->grading = NULL;
    r->server->pending -= g->left;
    for (int i = 0; i < g->n; i++) {
        if (g->rows[i].job)
            job_cancel(g->rows[i].job);
        json_decref(g->rows[i].item);
        json_decref(g->rows[i].verdict);
    }
    free(g->rows);
    free(g);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static void take(struct served *row, json_t *verdict)
{
    struct request *r = row->request;
    struct grading *g = r->grading;
    long index = row - g->rows;
    row->job = NULL;
    row->done = true;
    g->left--;
    r->server->pending--;
    routes_verdict(r, index, row->item, verdict, row->begun_ns ? row->begun_ns : r->begun_ns);
    if (g->stream)
        request_stream_add(r,
                           json_pack("{s:I, s:O}", "item", (json_int_t)index, "verdict", verdict));
    else
        row->verdict = json_incref(verdict);
    json_decref(row->item);
    row->item = NULL;
}

static void finish(struct request *r)
{
    struct grading *g = r->grading;
    if (g->left > 0 || g->finished)
        return;
    g->finished = true;
    if (g->stream) {
        request_stream_end(r);
        return;
    }
    json_t *list = json_array();
    for (int i = 0; i < g->n; i++) {
        json_array_append_new(list, g->rows[i].verdict);
        g->rows[i].verdict = NULL;
    }
    request_answer(r, MHD_HTTP_OK, json_pack("{s:o}", "verdicts", list));
}

static void begin_more(struct request *r);

static void on_verdict(void *ctx, json_t *verdict)
{
    struct served *row = ctx;
    struct request *r = row->request;
    r->grading->running--;
    take(row, verdict);
    begin_more(r);
}

static void begin_row(struct request *r, struct served *row)
{
    const struct job_spec spec = {.problem = row->problem,
                                  .catalog = r->catalog,
                                  .item = row->item,
                                  .sample = row->sample,
                                  .asker = &r->grading->asker,
                                  .timing = r->grading->timing};
    r->grading->running++;
    row->begun_ns = wall_ns();
    struct job *job = job_start(&r->server->grader, &spec, on_verdict, row);
    row->job = row->done ? NULL : job;
}

static bool has_room(struct request *r)
{
    int window = WINDOW_PER_SLOT * r->server->options->slots;
    return r->grading->running < (window > WINDOW_MIN ? window : WINDOW_MIN) &&
           request_unsent(r) < STREAM_BYTES_MAX;
}

/* Begins what there is room for, for a moment: then others have their turn first. A verdict that is
 * known already comes at once, and then asks for more from within: the outer call goes on with
 * that. */
static void begin_more(struct request *r)
{
    struct grading *g = r->grading;
    int64_t end_ns = wall_ns() + TURN_NS;
    if (!g || g->beginning || r->soon)
        return;
    g->beginning = true;
    while (g->next < g->n && has_room(r)) {
        begin_row(r, &g->rows[g->next++]);
        if (wall_ns() > end_ns) {
            request_soon(r, begin_more);
            break;
        }
    }
    g->beginning = false;
    finish(r);
}

static void on_deadline(struct request *r)
{
    const struct extraction none = {0};
    struct grading *g = r->grading;
    if (!g || g->left == 0)
        return;
    json_t *late = json_pack("{s:s}", "infra", "the request's deadline passed");
    g->next = g->n;
    for (int i = 0; i < g->n; i++) {
        struct served *row = &g->rows[i];
        if (row->done)
            continue;
        if (row->job)
            job_cancel(row->job);
        json_t *verdict = grade_verdict(row->problem, row->item, row->sample, &none, NULL, late,
                                        &r->server->grader.reward, false);
        r->server->metrics.deadlines++;
        take(row, verdict);
        json_decref(verdict);
    }
    json_decref(late);
    finish(r);
}

/* ---- the request ----------------------------------------------------------------------------- */

/* The options lie beside the items, or in the query; what both say, the body decides. */
static const struct key options[] = {
    {"timing", KEY_BOOL, false},
    {"stream", KEY_BOOL, false},
    {"deadline_s", KEY_NUMBER, false},
};

/* Moves the options out of the body (an object, or NULL). A new object; NULL after an error
 * answer. */
static json_t *take_options(struct request *r, json_t *body)
{
    json_t *found = json_object();
    struct err err;
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        const char *text =
            MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, options[i].name);
        json_t *value = json_object_get(body, options[i].name);
        if (value) {
            json_object_set(found, options[i].name, value);
            json_object_del(body, options[i].name);
        } else if (text) {
            value = json_loads(text, JSON_DECODE_ANY, NULL);
            json_object_set_new(found, options[i].name, value ? value : json_null());
        }
    }
    double deadline = json_number_value(json_object_get(found, "deadline_s"));
    if (keys_check(found, options, COUNT_OF(options), "", &(struct where){.file = "options"},
                   &err) < 0)
        request_error(r, MHD_HTTP_BAD_REQUEST, "%s", err.text);
    else if (json_object_get(found, "deadline_s") && !(deadline > 0 && deadline <= DEADLINE_S_MAX))
        request_error(r, MHD_HTTP_BAD_REQUEST, "`deadline_s` must be above 0 and at most %d",
                      DEADLINE_S_MAX);
    if (!r->answered)
        return found;
    json_decref(found);
    return NULL;
}

/* The items of a JSON body; NULL after an error answer. */
static json_t *items_of_json(struct request *r, json_t *body)
{
    json_t *items = json_object_get(body, "items");
    if (!items)
        return json_pack("[O]", body);
    if (!json_is_array(items))
        request_error(r, MHD_HTTP_BAD_REQUEST, "key `items` must be a list");
    else if (json_object_size(body) != 1)
        request_error(r, MHD_HTTP_BAD_REQUEST,
                      "next to `items` there may be only timing, stream and deadline_s");
    return r->answered ? NULL : json_incref(items);
}

/* The request's items and its options, new references; NULL after an error answer. */
static json_t *read_items(struct request *r, json_t **ret_options)
{
    if (r->lines && !r->json)
        request_error(r, MHD_HTTP_BAD_REQUEST, "%s", r->bad_json);
    else if (!r->lines && !json_is_object(r->json))
        request_error(r, MHD_HTTP_BAD_REQUEST, "the body is not a JSON object: %s",
                      r->json ? "another type" : r->bad_json);
    else if ((*ret_options = take_options(r, r->lines ? NULL : r->json)))
        return r->lines ? json_incref(r->json) : items_of_json(r, r->json);
    return NULL;
}

/* Fills the rows from the items; false after an error answer. */
static bool check_items(struct request *r, json_t *items)
{
    struct grading *g = r->grading;
    size_t n = json_array_size(items);
    struct err err;
    if (n > ASSAY_ITEMS_MAX) {
        request_error(r, MHD_HTTP_BAD_REQUEST, "%zu items: up to %d are taken at a time", n,
                      ASSAY_ITEMS_MAX);
        return false;
    }
    g->rows = xcalloc(n, sizeof *g->rows);
    json_t *counts = json_object();
    for (size_t i = 0; i < n && !r->answered; i++) {
        struct served *row = &g->rows[i];
        char where[32];
        snprintf(where, sizeof where, "items[%zu]", i);
        json_t *item = json_array_get(items, i);
        if (samples_check(item, &r->catalog->set, where, &row->problem, &err) < 0) {
            request_error(r, MHD_HTTP_BAD_REQUEST, "%s", err.text);
            break;
        }
        json_int_t sample = json_integer_value(json_object_get(counts, row->problem->id));
        json_object_set_new(counts, row->problem->id, json_integer(sample + 1));
        row->request = r;
        row->sample = (int)sample;
        row->item = json_incref(item);
        g->n++;
    }
    json_decref(counts);
    return !r->answered && !request_refused(r, (long)n);
}

static void begin(struct request *r, const json_t *chosen)
{
    struct grading *g = r->grading;
    const json_t *stream = json_object_get(chosen, "stream");
    g->timing = r->server->options->timing && !json_is_false(json_object_get(chosen, "timing"));
    g->stream = stream ? json_is_true(stream) : request_wants_lines(r, MHD_HTTP_HEADER_ACCEPT);
    g->deadline_s = json_number_value(json_object_get(chosen, "deadline_s"));
    g->left = g->n;
    r->server->pending += g->n;
    if (g->stream)
        request_stream(r, REQUEST_LINES, begin_more);
    if (g->deadline_s > 0 && g->n > 0)
        request_alarm(r, g->deadline_s, on_deadline);
    begin_more(r);
}

void routes_grade(struct request *r)
{
    json_t *chosen = NULL, *items = read_items(r, &chosen);
    if (items) {
        r->grading = xcalloc(1, sizeof *r->grading);
        if (check_items(r, items)) {
            json_decref(items);
            items = NULL;
            request_unread(r); /* each item goes when it has its verdict */
            begin(r, chosen);
        }
    }
    json_decref(items);
    json_decref(chosen);
}
