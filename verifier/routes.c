/* routes.c: which address does what, and the requests that are one question to one helper: lint
 * and run. */
#include <stdlib.h>

#include "client.h"
#include "lint.h"
#include "server.h"

enum {
    LINT_MS_MAX = 20000,
    RUN_S = 10,
    RUN_S_MAX = 300,
    RUN_MEMORY_MIB_MAX = 1024,
    RUN_OUTPUT_KIB = 4096
};

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
        e->request->server->pending--;
        e->request->errand = NULL;
        if (result)
            e->answer(e->request, result);
        else
            request_error(e->request, MHD_HTTP_SERVICE_UNAVAILABLE, "%s", infra);
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
    json_t *body = json_loadb(buf_view(&r->body).s, r->body.len, JSON_REJECT_DUPLICATES, &why);
    const char *entry = NULL;
    json_t *text = NULL;
    if (!body)
        request_error(r, MHD_HTTP_BAD_REQUEST, "the body is not JSON: %s", why.text);
    else if (json_unpack_ex(body, &why, JSON_STRICT, "{s:o, s?s}", "text", &text, "entry_point",
                            &entry) != 0)
        request_error(r, MHD_HTTP_BAD_REQUEST, "%s", why.text);
    else if (!json_is_string(text) || json_string_length(text) > LINT_TEXT_BYTES_MAX)
        request_error(r, MHD_HTTP_BAD_REQUEST, "key `text` must be a string of up to %d bytes",
                      LINT_TEXT_BYTES_MAX);
    if (!r->answered) {
        json_t *question = json_pack("{s:O, s:s?}", "text", text, "entry_point", entry);
        errand_start(r, r->server->grader.linters, question, LINT_MS_MAX, answer_lint);
    }
    json_decref(body);
}

/* ---- POST /run_code, as SandboxFusion answers it --------------------------------------------- */

static void answer_run(struct request *r, json_t *result)
{
    const char *reason = json_string_value(json_object_get(result, "reason"));
    const char *status = json_string_value(json_object_get(result, "status"));
    bool late = reason && strcmp(reason, "time-limit") == 0;
    CHECK(status);
    long code = -1;
    if (strncmp(status, "signal ", 7) == 0)
        code = -strtol(status + 7, NULL, 10);
    else if (strncmp(status, "exit ", 5) == 0)
        code = strtol(status + 5, NULL, 10);
    double wall_ms = json_number_value(json_object_get(json_object_get(result, "time"), "wall_ms"));
    json_t *run = json_pack(
        "{s:s, s:f, s:o, s:O, s:O}", "status", late ? "TimeLimitExceeded" : "Finished",
        "execution_time", wall_ms / 1000, "return_code", late ? json_null() : json_integer(code),
        "stdout", json_object_get(result, "stdout"), "stderr", json_object_get(result, "stderr"));
    CHECK(run);
    request_answer(r, MHD_HTTP_OK,
                   json_pack("{s:s, s:s, s:n, s:o, s:n, s:{}}", "status",
                             !late && code == 0 ? "Success" : "Failed", "message",
                             reason ? reason : "", "compile_result", "run_result", run,
                             "executor_pod_name", "files"));
}

static void answer_unable(struct request *r, const char *why)
{
    request_answer(r, MHD_HTTP_OK,
                   json_pack("{s:s, s:s, s:n, s:n, s:n, s:{}}", "status", "SandboxError", "message",
                             why, "compile_result", "run_result", "executor_pod_name", "files"));
}

/* The program's question to a judge from a checked body. */
static json_t *run_question(json_t *code, json_t *input, double timeout, double memory_mib)
{
    if (!(timeout > 0) || timeout > RUN_S_MAX)
        timeout = RUN_S_MAX;
    if (!(memory_mib > 0) || memory_mib > RUN_MEMORY_MIB_MAX)
        memory_mib = RUN_MEMORY_MIB_MAX;
    return json_pack("{s:s, s:O, s:o, s:{s:f, s:f, s:i, s:i, s:i}}", "op", "run", "program", code,
                     "stdin", json_is_string(input) ? json_incref(input) : json_string(""),
                     "limits", "cpu_s", timeout, "wall_s", timeout, "memory_mib", (int)memory_mib,
                     "output_kib", RUN_OUTPUT_KIB, "threads", 64);
}

void routes_run(struct request *r)
{
    json_error_t why;
    json_t *body = json_loadb(buf_view(&r->body).s, r->body.len,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    json_t *code = json_object_get(body, "code"), *input = json_object_get(body, "stdin");
    json_t *timeout = json_object_get(body, "run_timeout"),
           *memory = json_object_get(body, "memory_limit_MB");
    const char *language = json_string_value(json_object_get(body, "language"));
    if (!json_is_object(body))
        request_error(r, MHD_HTTP_UNPROCESSABLE_CONTENT, "the body is not a JSON object");
    else if (!json_is_string(code) || !language)
        request_error(r, MHD_HTTP_UNPROCESSABLE_CONTENT,
                      "keys `code` and `language` must be strings");
    else if ((input && !json_is_string(input) && !json_is_null(input)) ||
             (timeout && !json_is_number(timeout)) || (memory && !json_is_number(memory)))
        request_error(r, MHD_HTTP_UNPROCESSABLE_CONTENT,
                      "`stdin` must be a string, `run_timeout` and `memory_limit_MB` numbers");
    else if (strcmp(language, "python") != 0)
        answer_unable(r, "only the language python is run here");
    else if (json_object_size(json_object_get(body, "files")) ||
             json_array_size(json_object_get(body, "fetch_files")))
        answer_unable(r, "files are not supported");
    else if (!request_refused(r, 1)) {
        double seconds = timeout ? json_number_value(timeout) : RUN_S;
        json_t *question = run_question(code, input, seconds, json_number_value(memory));
        errand_start(r, r->server->grader.judges, question, (RUN_S_MAX + 20) * 1000, answer_run);
    }
    json_decref(body);
}

/* ---- all of them ----------------------------------------------------------------------------- */

void routes_release(struct request *r)
{
    routes_grade_release(r);
}

void routes_cancel(struct request *r)
{
    routes_grade_cancel(r);
    if (r->errand)
        errand_cancel(r->errand);
}

const struct route server_routes[] = {
    {"POST", ASSAY_GRADE_PATH, routes_grade},      {"POST", "/v1/lint", routes_lint},
    {"GET", ASSAY_PROBLEMS_PATH, routes_problems}, {"GET", ASSAY_HEALTH_PATH, routes_health},
    {"GET", "/metrics", routes_metrics},           {"POST", "/run_code", routes_run},
};
const size_t server_n_routes = COUNT_OF(server_routes);
