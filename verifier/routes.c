/* routes.c: what each address of the HTTP server does. See include/client.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "client.h"
#include "lint.h"
#include "samples.h"
#include "server.h"
#include "version.h"

enum { LINT_MS_MAX = 20000, PROBLEMS_LIMIT = 1000, PROBLEMS_LIMIT_MAX = 100000 };

struct served {
    struct request *request;
    struct job *job; /* NULL once there is a verdict */
    json_t *item, *verdict;
    const struct problem *problem;
};

/* ---- errands: requests that are one question to one helper --------------------------------------------- */

struct errand {
    struct task task;
    struct request *request; /* NULL: the client is gone */
    struct pool *pool;
    void (*answer)(struct request *r, json_t *result);
};

static void errand_free(struct errand *e)
{
    json_decref(e->task.question);
    free(e);
}

static void on_errand(struct task *t, json_t *result, const char *infra)
{
    struct errand *e = NODE_OWNER(t, struct errand, task);
    if (e->request) {
        e->request->errand = NULL;
        if (result)
            e->answer(e->request, result);
        else
            request_error(e->request, MHD_HTTP_SERVICE_UNAVAILABLE, "%s", infra);
    }
    json_decref(result);
    errand_free(e);
}

/* Takes the question. */
static void errand_start(struct request *r, struct pool *pool, json_t *question, int64_t limit_ms,
                         void (*answer)(struct request *, json_t *))
{
    struct errand *e = r->errand = xcalloc(1, sizeof *e);
    *e = (struct errand){.request = r, .pool = pool, .answer = answer};
    e->task = (struct task){.question = question, .limit_ms = limit_ms, .done = on_errand};
    pool_submit(pool, &e->task);
}

static void errand_cancel(struct errand *e)
{
    e->request->errand = NULL;
    e->request = NULL;
    if (pool_cancel(e->pool, &e->task))
        errand_free(e);
}

/* ---- grade ----------------------------------------------------------------------------------------- */

void routes_release(struct request *r)
{
    for (int i = 0; i < r->n_served; i++) {
        json_decref(r->served[i].item);
        json_decref(r->served[i].verdict);
    }
    free(r->served);
    r->served = NULL;
    r->n_served = 0;
}

void routes_cancel(struct request *r)
{
    for (int i = 0; i < r->n_served; i++)
        if (r->served[i].job)
            job_cancel(r->served[i].job);
    r->server->pending -= r->left;
    r->left = 0;
    routes_release(r);
    if (r->errand)
        errand_cancel(r->errand);
}

static void answer_verdicts(struct request *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->n_served; i++)
        json_array_append(list, r->served[i].verdict);
    request_answer(r, MHD_HTTP_OK, json_pack("{s:o}", "verdicts", list));
}

/* While handle_grade still starts jobs nothing is suspended yet, and it answers itself. */
static void on_verdict(void *ctx, json_t *verdict)
{
    struct served *row = ctx;
    struct request *r = row->request;
    row->job = NULL;
    row->verdict = json_incref(verdict);
    tally_add(&r->server->tally, verdict);
    r->server->pending--;
    r->left--;
    if (r->left == 0 && r->suspended)
        answer_verdicts(r);
}

/* The items of a body, a new reference; NULL after an error answer. */
static json_t *items_of(struct request *r, bool *ret_timing)
{
    json_error_t why;
    json_t *body = json_loadb(buf_view(&r->body).s, r->body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (!json_is_object(body)) {
        request_error(r, MHD_HTTP_BAD_REQUEST, "the body is not a JSON object: %s", body ? "another type" : why.text);
        json_decref(body);
        return NULL;
    }
    json_t *timing = json_object_get(body, "timing"), *items = json_object_get(body, "items");
    if (timing && !json_is_boolean(timing)) {
        request_error(r, MHD_HTTP_BAD_REQUEST, "key `timing` must be true or false");
        json_decref(body);
        return NULL;
    }
    *ret_timing = r->server->options->timing && !json_is_false(timing);
    json_object_del(body, "timing");
    if (!items) {
        items = json_pack("[o]", body);
    } else if (!json_is_array(items) || json_object_size(body) != 1) {
        request_error(r, MHD_HTTP_BAD_REQUEST, json_is_array(items) ? "next to `items` there may be only `timing`" : "key `items` must be a list");
        json_decref(body);
        return NULL;
    } else {
        json_incref(items);
        json_decref(body);
    }
    return items;
}

/* Fills r->served from the items; false after an error answer. */
static bool take_items(struct request *r, json_t *items)
{
    size_t i, n = json_array_size(items);
    json_t *item;
    struct err err;
    if (n > ASSAY_ITEMS_MAX) {
        request_error(r, MHD_HTTP_BAD_REQUEST, "%zu items: up to %d are taken at a time", n, ASSAY_ITEMS_MAX);
        return false;
    }
    r->served = xcalloc(n, sizeof *r->served);
    json_array_foreach(items, i, item) {
        char where[32];
        snprintf(where, sizeof where, "items[%zu]", i);
        if (samples_check(item, r->server->problems, where, &r->served[i].problem, &err) < 0) {
            request_error(r, MHD_HTTP_BAD_REQUEST, "%s", err.text);
            return false;
        }
        r->served[i].request = r;
        r->served[i].item = json_incref(item);
        r->n_served++;
    }
    struct server *s = r->server;
    if (s->pending && s->pending + (long)n > s->options->queue_max) {
        request_error(r, MHD_HTTP_TOO_MANY_REQUESTS, "%ld completions wait already", s->pending);
        return false;
    }
    return true;
}

static void handle_grade(struct request *r)
{
    bool timing;
    json_t *items = items_of(r, &timing);
    if (!items)
        return;
    bool good = take_items(r, items);
    json_decref(items);
    if (!good)
        return;
    json_t *counts = json_object();
    r->left = r->n_served;
    r->server->pending += r->left;
    for (int i = 0; i < r->n_served; i++) {
        struct served *row = &r->served[i];
        json_int_t sample = json_integer_value(json_object_get(counts, row->problem->id));
        json_object_set_new(counts, row->problem->id, json_integer(sample + 1));
        struct job_spec spec = {.problem = row->problem, .item = row->item, .sample = (int)sample, .timing = timing};
        struct job *job = job_start(&r->server->grader, &spec, on_verdict, row);
        row->job = row->verdict ? NULL : job;
    }
    json_decref(counts);
    if (r->left == 0)
        answer_verdicts(r);
}

/* ---- lint ------------------------------------------------------------------------------------------ */

static void answer_lint(struct request *r, json_t *result)
{
    request_answer(r, MHD_HTTP_OK, json_incref(result));
}

static void handle_lint(struct request *r)
{
    json_error_t why;
    json_t *body = json_loadb(buf_view(&r->body).s, r->body.len, JSON_REJECT_DUPLICATES, &why);
    const char *entry = NULL;
    json_t *text = NULL;
    if (!body)
        request_error(r, MHD_HTTP_BAD_REQUEST, "the body is not JSON: %s", why.text);
    else if (json_unpack_ex(body, &why, JSON_STRICT, "{s:o, s?s}", "text", &text, "entry_point", &entry) != 0)
        request_error(r, MHD_HTTP_BAD_REQUEST, "%s", why.text);
    else if (!json_is_string(text) || json_string_length(text) > LINT_TEXT_BYTES_MAX)
        request_error(r, MHD_HTTP_BAD_REQUEST, "key `text` must be a string of up to %d bytes", LINT_TEXT_BYTES_MAX);
    if (!r->answered) {
        json_t *question = json_pack("{s:O, s:s?}", "text", text, "entry_point", entry);
        errand_start(r, r->server->grader.linters, question, LINT_MS_MAX, answer_lint);
    }
    json_decref(body);
}

/* ---- problems, health, metrics --------------------------------------------------------------------- */

/* A non-negative number of the query, or `otherwise`; -1 after an error answer. */
static long query(struct request *r, const char *key, long otherwise)
{
    const char *text = MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, key);
    char *end;
    if (!text || r->answered)
        return text ? -1 : otherwise;
    long v = strtol(text, &end, 10);
    if (*end || end == text || v < 0) {
        request_error(r, MHD_HTTP_BAD_REQUEST, "%s=%s: a number from 0 is wanted", key, text);
        return -1;
    }
    return v;
}

static json_t *shown(const struct problem *p)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:s?}", "id", p->id, "prompt", p->prompt, "starter", p->starter, "entry_point", p->entry_point);
    if (p->shown)
        json_object_update_missing(o, p->shown);
    return o;
}

static void handle_problems(struct request *r)
{
    const struct problem_set *set = r->server->problems;
    long source = query(r, "source", -2), offset = query(r, "offset", 0), limit = query(r, "limit", PROBLEMS_LIMIT);
    if (r->answered)
        return;
    if (source >= set->n_sources) {
        request_error(r, MHD_HTTP_BAD_REQUEST, "source=%ld: the server has %d", source, set->n_sources);
        return;
    }
    long first = source >= 0 ? set->source_first[source] : 0, last = source >= 0 ? set->source_first[source + 1] : set->n;
    json_t *list = json_array();
    if (limit > PROBLEMS_LIMIT_MAX)
        limit = PROBLEMS_LIMIT_MAX;
    for (long i = offset; i < last - first && i - offset < limit; i++)
        json_array_append_new(list, shown(&set->v[first + i]));
    request_answer(r, MHD_HTTP_OK, json_pack("{s:I, s:o}", "total", (json_int_t)(last - first), "problems", list));
}

static void handle_health(struct request *r)
{
    request_answer(r, MHD_HTTP_OK, json_pack("{s:s, s:i, s:s}", "status", "ok", "slots", r->server->options->slots, "version", ASSAY_VERSION));
}

static void metric(struct buf *b, const char *name, const char *type, const char *help, double value)
{
    buf_printf(b, "# HELP assay_%s %s\n# TYPE assay_%s %s\nassay_%s %.15g\n", name, help, name, type, name, value);
}

static void handle_metrics(struct request *r)
{
    const struct server *s = r->server;
    const struct tally *t = &s->tally;
    struct pool_stats judges = pool_stats(s->grader.judges), linters = pool_stats(s->grader.linters);
    struct buf b = {0};
    size_t i;
    json_t *name;
    buf_puts(&b, "# HELP assay_verdicts_total Verdicts given, by grade; infra is a fault of ours.\n# TYPE assay_verdicts_total counter\n");
    for (int g = 0; g < GRADE_COUNT; g++)
        buf_printf(&b, "assay_verdicts_total{grade=\"%s\"} %ld\n", grade_name(g), t->grades[g]);
    buf_printf(&b, "assay_verdicts_total{grade=\"infra\"} %ld\n", t->infra);
    buf_puts(&b, "# HELP assay_reasons_total Why programs were not correct.\n# TYPE assay_reasons_total counter\n");
    for (int why = 1; why < REASON_COUNT; why++)
        buf_printf(&b, "assay_reasons_total{reason=\"%s\"} %ld\n", reason_name(why), t->reasons[why]);
    buf_puts(&b, "# HELP assay_http_answers_total Answers by class of status.\n# TYPE assay_http_answers_total counter\n");
    for (int c = 2; c < 6; c++)
        buf_printf(&b, "assay_http_answers_total{class=\"%dxx\"} %ld\n", c, s->answers[c]);
    metric(&b, "cached_total", "counter", "Verdicts known before.", (double)t->cached);
    metric(&b, "refused_total", "counter", "Requests refused because the queue was full.", (double)s->refused);
    metric(&b, "cancelled_total", "counter", "Requests whose client went away.", (double)s->cancelled);
    metric(&b, "pending", "gauge", "Completions accepted and not yet answered.", (double)s->pending);
    metric(&b, "slots", "gauge", "Slots.", judges.slots);
    metric(&b, "slots_ready", "gauge", "Slots that are up.", judges.ready);
    metric(&b, "slots_busy", "gauge", "Slots that run a program.", judges.busy);
    metric(&b, "slot_restarts_total", "counter", "Slots and linters that died or overran.", (double)(judges.restarts + linters.restarts));
    metric(&b, "retries_total", "counter", "Tasks tried again after a fault of ours.", (double)(judges.retried + linters.retried));
    metric(&b, "uptime_seconds", "gauge", "Time since the start.", (double)(wall_ns() - s->started_ns) / 1e9);
    buf_puts(&b, "# HELP assay_isolation What confines the judge on this host.\n# TYPE assay_isolation gauge\n");
    json_array_foreach(json_object_get(pool_hello(s->grader.judges), "isolation"), i, name)
        buf_printf(&b, "assay_isolation{kind=\"%s\"} 1\n", json_string_value(name));
    request_text(r, MHD_HTTP_OK, "text/plain; version=0.0.4", &b);
}

const struct route server_routes[] = {
    {"POST", ASSAY_GRADE_PATH, handle_grade},      {"POST", "/v1/lint", handle_lint},      {"GET", ASSAY_PROBLEMS_PATH, handle_problems},
    {"GET", ASSAY_HEALTH_PATH, handle_health}, {"GET", "/metrics", handle_metrics},
};
const size_t server_n_routes = COUNT_OF(server_routes);
