/* routes.c: which address does what, and the requests that are one question to one helper. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "client.h"
#include "lint.h"
#include "server.h"

enum { LINT_MS_MAX = 20000 };

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

static void unable(struct request *r, const char *infra)
{
    struct buf why = {0};
    log_escape(&why, str_of(infra), 200);
    LOG_WARN("job=%s path=%s infra=\"%s\"", r->name, r->route->path, buf_view(&why).s);
    buf_free(&why);
    r->server->metrics.faults++;
    request_later(r, MHD_HTTP_SERVICE_UNAVAILABLE, "%s", infra);
}

static void on_errand(struct task *t, json_t *result, const char *infra)
{
    struct errand *e = NODE_OWNER(t, struct errand, task);
    if (e->request) {
        e->request->server->pending--;
        e->request->errand = NULL;
        if (result)
            e->answer(e->request, result);
        else
            unable(e->request, infra);
    }
    json_decref(result);
    errand_free(e);
}

void errand_start(struct request *r, struct pool *pool, json_t *question, int64_t limit_ms,
                  void (*answer)(struct request *, json_t *))
{
    struct errand *e = r->errand = xcalloc(1, sizeof *e);
    r->server->pending++;
    *e = (struct errand){.request = r, .pool = pool, .answer = answer};
    e->task = (struct task){.question = question, .limit_ms = limit_ms, .done = on_errand};
    pool_submit(pool, &e->task);
}

void errand_cancel(struct errand *e)
{
    e->request->errand = NULL;
    e->request->server->pending--;
    e->request = NULL;
    if (pool_cancel(e->pool, &e->task))
        errand_free(e);
}

static void answer_lint(struct request *r, json_t *result)
{
    request_answer(r, MHD_HTTP_OK, json_incref(result));
}

void routes_lint(struct request *r)
{
    json_error_t why;
    const char *entry = NULL;
    json_t *text = NULL;
    if (!r->json)
        request_error(r, MHD_HTTP_BAD_REQUEST, "the body is not JSON: %s", r->bad_json);
    else if (json_unpack_ex(r->json, &why, JSON_STRICT, "{s:o, s?s}", "text", &text, "entry_point",
                            &entry) != 0)
        request_error(r, MHD_HTTP_BAD_REQUEST, "%s", why.text);
    else if (!json_is_string(text) || json_string_length(text) > LINT_TEXT_BYTES_MAX)
        request_error(r, MHD_HTTP_BAD_REQUEST, "key `text` must be a string of up to %d bytes",
                      LINT_TEXT_BYTES_MAX);
    if (!r->answered && !request_refused(r, 1)) {
        json_t *question = json_pack("{s:O, s:s?}", "text", text, "entry_point", entry);
        errand_start(r, r->server->grader.linters, question, LINT_MS_MAX, answer_lint);
    }
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static void escaped(struct buf *out, const char *key, const char *text)
{
    if (!text)
        return;
    buf_printf(out, " %s=\"", key);
    log_escape(out, str_of(text), 200);
    buf_char(out, '"');
}

/* A line of the log; the job's name is its request's and its place there. */
static void log_verdict(const struct request *r, long index, const json_t *verdict, double seconds)
{
    const char *grade = json_string_value(json_object_get(verdict, "grade"));
    const char *infra = json_string_value(json_object_get(verdict, "infra"));
    struct buf line = {0};
    buf_printf(&line, "job=%s.%ld", r->name, index);
    escaped(&line, "task", json_string_value(json_object_get(verdict, "task_id")));
    escaped(&line, "grade", grade);
    escaped(&line, "reason", json_string_value(json_object_get(verdict, "reason")));
    escaped(&line, "infra", infra);
    buf_printf(&line, " ms=%.1f%s", seconds * 1e3,
               json_is_true(json_object_get(verdict, "cached")) ? " cached=yes" : "");
    if (infra)
        LOG_WARN("%s", line.s);
    else
        LOG_INFO("%s", line.s);
    buf_free(&line);
}

void routes_verdict(struct request *r, long index, const json_t *item, const json_t *verdict,
                    int64_t begun_ns)
{
    struct server *s = r->server;
    double seconds = (double)(wall_ns() - begun_ns) / 1e9;
    metrics_verdict(&s->metrics, item, verdict, seconds);
    if (s->options->log >= SERVER_LOG_VERDICTS || json_is_null(json_object_get(verdict, "grade")))
        log_verdict(r, index, verdict, seconds);
}

/* ---- all of them ----------------------------------------------------------------------------- */

void routes_release(struct request *r)
{
    routes_grade_release(r);
    routes_submit_release(r);
    if (r->errand)
        errand_cancel(r->errand);
}

const struct route server_routes[] = {
    {"POST", ASSAY_GRADE_PATH, routes_grade, true, true, false},
    {"POST", "/v1/lint", routes_lint, true, false, false},
    {"GET", ASSAY_PROBLEMS_PATH, routes_problems, false, false, false},
    {"GET", ASSAY_HEALTH_PATH, routes_health, false, false, false},
    {"GET", "/metrics", routes_metrics, false, false, false},
    {"GET", "/v1/ping", routes_ping, false, false, true},
    {"POST", "/run_code", routes_run, true, false, true},
    {"POST", "/submit", routes_submit, true, false, true},
    {"GET", "/list_datasets", routes_datasets, false, false, true},
    {"POST", "/list_ids", routes_ids, true, false, true},
    {"POST", "/get_prompts", routes_prompts, true, false, true},
    {"POST", "/get_prompt_by_id", routes_prompt, true, false, true},
};
const size_t server_n_routes = COUNT_OF(server_routes);
