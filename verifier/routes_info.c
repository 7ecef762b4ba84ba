/* routes_info.c: GET /v1/problems, /healthz and /metrics: what a client may know. */
#include <stdlib.h>

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
    const struct problem_set *set = &r->catalog->set;
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
                   json_pack("{s:s, s:i, s:i, s:i, s:s}", "status", "ok", "slots",
                             r->server->options->slots, "ready",
                             pool_stats(r->server->grader.judges).ready, "problems",
                             r->catalog->set.n, "version", ASSAY_VERSION));
}

void routes_metrics(struct request *r)
{
    struct buf b = {0};
    metrics_write(r->server, &b);
    request_text(r, MHD_HTTP_OK, "text/plain; version=0.0.4", &b);
}
