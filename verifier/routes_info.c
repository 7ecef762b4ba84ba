/* routes_info.c: GET /v1/problems, /healthz and /metrics: what a client may know. */
#include <stdlib.h>

#include "base/clock.h"
#include "server.h"
#include "version.h"

enum { PROBLEMS_LIMIT = 1000, PROBLEMS_LIMIT_MAX = 100000 };

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
    json_t *o = json_pack("{s:s, s:s, s:s, s:s?}", "id", p->id, "prompt", p->prompt, "starter",
                          p->starter, "entry_point", p->entry_point);
    if (p->shown)
        json_object_update_missing(o, p->shown);
    return o;
}

void routes_problems(struct request *r)
{
    const struct problem_set *set = r->server->problems;
    long source = query(r, "source", -2), offset = query(r, "offset", 0),
         limit = query(r, "limit", PROBLEMS_LIMIT);
    if (r->answered)
        return;
    if (source >= set->n_sources) {
        request_error(r, MHD_HTTP_BAD_REQUEST, "source=%ld: the server has %d", source,
                      set->n_sources);
        return;
    }
    long first = source >= 0 ? set->source_first[source] : 0,
         last = source >= 0 ? set->source_first[source + 1] : set->n;
    json_t *list = json_array();
    if (limit > PROBLEMS_LIMIT_MAX)
        limit = PROBLEMS_LIMIT_MAX;
    for (long i = offset; i < last - first && i - offset < limit; i++)
        json_array_append_new(list, shown(&set->v[first + i]));
    request_answer(r, MHD_HTTP_OK,
                   json_pack("{s:I, s:o}", "total", (json_int_t)(last - first), "problems", list));
}

void routes_health(struct request *r)
{
    request_answer(r, MHD_HTTP_OK,
                   json_pack("{s:s, s:i, s:s}", "status", "ok", "slots", r->server->options->slots,
                             "version", ASSAY_VERSION));
}

static void metric(struct buf *b, const char *name, const char *type, const char *help,
                   double value)
{
    buf_printf(b, "# HELP assay_%s %s\n# TYPE assay_%s %s\nassay_%s %.15g\n", name, help, name,
               type, name, value);
}

void routes_metrics(struct request *r)
{
    const struct server *s = r->server;
    const struct tally *t = &s->tally;
    struct pool_stats judges = pool_stats(s->grader.judges),
                      linters = pool_stats(s->grader.linters);
    struct buf b = {0};
    const json_t *isolation = json_object_get(pool_hello(s->grader.judges), "isolation");
    buf_puts(&b, "# HELP assay_verdicts_total Verdicts given, by grade; infra is a fault of "
                 "ours.\n# TYPE assay_verdicts_total counter\n");
    for (int g = 0; g < GRADE_COUNT; g++)
        buf_printf(&b, "assay_verdicts_total{grade=\"%s\"} %ld\n", grade_name(g), t->grades[g]);
    buf_printf(&b, "assay_verdicts_total{grade=\"infra\"} %ld\n", t->infra);
    buf_puts(&b, "# HELP assay_reasons_total Why programs were not correct.\n# TYPE "
                 "assay_reasons_total counter\n");
    for (int why = 1; why < REASON_COUNT; why++)
        buf_printf(&b, "assay_reasons_total{reason=\"%s\"} %ld\n", reason_name(why),
                   t->reasons[why]);
    buf_puts(&b, "# HELP assay_http_answers_total Answers by class of status.\n# TYPE "
                 "assay_http_answers_total counter\n");
    for (int c = 2; c < 6; c++)
        buf_printf(&b, "assay_http_answers_total{class=\"%dxx\"} %ld\n", c, s->answers[c]);
    metric(&b, "cached_total", "counter", "Verdicts known before.", (double)t->cached);
    metric(&b, "cache_hits_total", "counter", "Questions whose answer was known, or being found.",
           (double)s->grader.cache.hits);
    metric(&b, "cache_misses_total", "counter", "Questions that were new.",
           (double)s->grader.cache.misses);
    metric(&b, "cache_corrupt_total", "counter", "Known answers that failed their checksum.",
           (double)s->grader.cache.corrupt);
    metric(&b, "cache_bytes", "gauge", "Size of the known questions and answers.",
           (double)s->grader.cache.bytes);
    metric(&b, "refused_total", "counter", "Requests refused because the queue was full.",
           (double)s->refused);
    metric(&b, "cancelled_total", "counter", "Requests whose client went away.",
           (double)s->cancelled);
    metric(&b, "pending", "gauge", "Completions accepted and not yet answered.",
           (double)s->pending);
    metric(&b, "slots", "gauge", "Slots.", judges.slots);
    metric(&b, "slots_ready", "gauge", "Slots that are up.", judges.ready);
    metric(&b, "slots_busy", "gauge", "Slots that run a program.", judges.busy);
    metric(&b, "slot_restarts_total", "counter", "Slots and linters that died or overran.",
           (double)(judges.restarts + linters.restarts));
    metric(&b, "retries_total", "counter", "Tasks tried again after a fault of ours.",
           (double)(judges.retried + linters.retried));
    metric(&b, "kills_total", "counter", "Helpers and guests killed from outside.",
           (double)(judges.kills + linters.kills));
    metric(&b, "uptime_seconds", "gauge", "Time since the start.",
           (double)(wall_ns() - s->started_ns) / 1e9);
    buf_puts(&b, "# HELP assay_isolation What confines the judge on this host.\n# TYPE "
                 "assay_isolation gauge\n");
    for (size_t i = 0; i < json_array_size(isolation); i++)
        buf_printf(&b, "assay_isolation{kind=\"%s\"} 1\n",
                   json_string_value(json_array_get(isolation, i)));
    request_text(r, MHD_HTTP_OK, "text/plain; version=0.0.4", &b);
}
