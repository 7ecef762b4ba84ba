/* routes_submit.c: POST /submit and the lists of problems, as SandboxFusion answers them.
 *
 * A problem is one of the server's, its data set being the source (-p) that it came from, or lies in
 * the request itself (config.provided_data) in any format that problem files have. It is graded
 * like any completion; what is answered of the verdict is `accepted` and a row for each test. The
 * tests themselves are not shown: `test_code` is "". The whole verdict is in `extra`.
 *
 * Only a verdict is an answer. Where there is none, for a fault of ours, there is a 504. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "extract.h"
#include "fusion.h"
#include "grade.h"

struct submission {
    struct request *request;
    struct job *job; /* NULL once there is a verdict */
    json_t *item, *id;
    const struct problem *problem;
    int64_t begun_ns;
    bool done;
};

static const struct key ask_keys[] = {
    {"dataset", KEY_STRING, true},
    {"config", KEY_OBJECT, false},
    {"offset", KEY_INT, false},
    {"limit", KEY_INT, false},
};
static const struct key ask_one_keys[] = {
    {"dataset", KEY_STRING, true},
    {"id", KEY_STRING | KEY_INT, true},
    {"config", KEY_OBJECT, false},
};
static const struct key submit_keys[] = {
    {"dataset", KEY_STRING, true},
    {"id", KEY_STRING | KEY_INT, true},
    {"completion", KEY_STRING, true},
    {"config", KEY_OBJECT, false},
};
static const struct key config_keys[] = {
    {"dataset_type", KEY_STRING | KEY_NULL, false},
    {"language", KEY_STRING | KEY_NULL, false},
    {"locale", KEY_STRING | KEY_NULL, false},
    {"is_fewshot", KEY_BOOL | KEY_NULL, false},
    {"compile_timeout", KEY_NUMBER | KEY_NULL, false},
    {"run_timeout", KEY_NUMBER | KEY_NULL, false},
    {"custom_extract_logic", KEY_STRING | KEY_NULL, false},
    {"provided_data", KEY_ARRAY | KEY_OBJECT | KEY_NULL, false},
    {"extra", KEY_OBJECT | KEY_NULL, false},
};

/* The request's body, checked; NULL after an answer. */
static json_t *read_body(struct request *r, const struct key *keys, size_t n)
{
    json_t *body = fusion_body(r, keys, n), *config = json_object_get(body, "config");
    const char *language = json_string_value(json_object_get(config, "language"));
    if (!body)
        return NULL;
    if (!fusion_check(r, config, "config", config_keys, COUNT_OF(config_keys)) ||
        (language && !fusion_language(r, "config", language)))
        ;
    else if (language && strcmp(language, "python") != 0)
        request_error(r, MHD_HTTP_BAD_REQUEST, "config.language %s: only python is graded here",
                      language);
    else if (json_is_string(json_object_get(config, "custom_extract_logic")))
        request_error(r, MHD_HTTP_BAD_REQUEST,
                      "config.custom_extract_logic is not run here: programs are extracted by the "
                      "server's own rules");
    return r->answered ? NULL : body;
}

/* ---- which problem --------------------------------------------------------------------------- */

static bool same_id(const json_t *a, const json_t *b)
{
    char number[32];
    const json_t *text = json_is_string(a) ? a : b, *other = text == a ? b : a;
    if (!json_is_integer(other) || !json_is_string(text))
        return json_equal(a, b);
    snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(other));
    return strcmp(number, json_string_value(text)) == 0;
}

/* The request's own row for `id`; borrowed, NULL: there is none. */
static json_t *row_of(json_t *data, const json_t *id)
{
    json_t *row;
    size_t i;
    if (json_is_object(data))
        return data;
    json_array_foreach (data, i, row)
        if (same_id(json_object_get(row, "id"), id))
            return row;
    return NULL;
}

/* Makes the request's own problem its catalog. NULL after an answer. */
static const struct problem *provided(struct request *r, json_t *row, double wall_s)
{
    struct err err;
    struct catalog *own = NULL;
    if (catalog_of_object(row, "config.provided_data", wall_s, &own, &err) < 0) {
        request_error(r, MHD_HTTP_BAD_REQUEST, "%s", err.text);
        return NULL;
    }
    catalog_drop(r->catalog);
    r->catalog = own;
    return &own->set.v[0];
}

/* By its whole id, or by what stands after the last slash: 0 is HumanEval/0. */
static const struct problem *find(const struct catalog *c, int source, const json_t *id)
{
    char number[32];
    const char *text = json_string_value(id);
    if (!text) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        text = number;
    }
    const struct problem *last = NULL;
    for (int i = c->set.source_first[source]; i < c->set.source_first[source + 1]; i++) {
        const char *slash = strrchr(c->set.v[i].id, '/');
        if (strcmp(c->set.v[i].id, text) == 0)
            return &c->set.v[i];
        if (slash && strcmp(slash + 1, text) == 0 && !last)
            last = &c->set.v[i];
    }
    return last;
}

/* The number of the body's data set; -1 after an answer. */
static int source_of(struct request *r, const json_t *body)
{
    const char *name = json_string_value(json_object_get(body, "dataset"));
    int source = catalog_source(r->catalog, name);
    if (source < 0)
        request_error(r, MHD_HTTP_BAD_REQUEST,
                      "there is no data set \"%.100s\": see /list_datasets, or give "
                      "config.provided_data",
                      name);
    return source;
}

/* The problem that the body asks for; NULL after an answer. The server's own problems keep their
 * time limits. */
static const struct problem *problem_of(struct request *r, const json_t *body)
{
    const json_t *config = json_object_get(body, "config"), *id = json_object_get(body, "id");
    json_t *data = json_object_get(config, "provided_data"), *row = NULL;
    const struct problem *p = NULL;
    double wall_s = json_is_number(json_object_get(config, "run_timeout"))
                        ? fusion_seconds(r, config, "config", "run_timeout", 1)
                        : 0;
    if (r->answered)
        return NULL;
    if (json_is_object(data) || json_is_array(data)) {
        row = row_of(data, id);
    } else {
        int source = source_of(r, body);
        if (source < 0)
            return NULL;
        p = find(r->catalog, source, id);
    }
    if (row)
        return provided(r, row, wall_s);
    if (!p)
        request_error(r, MHD_HTTP_NOT_FOUND, "the data set has no problem with that id");
    return p;
}

/* ---- submit ---------------------------------------------------------------------------------- */

void routes_submit_release(struct request *r)
{
    struct submission *s = r->submission;
    if (!s)
        return;
    r->submission = NULL;
    if (s->job)
        job_cancel(s->job);
    if (!s->done)
        r->server->pending--;
    json_decref(s->item);
    json_decref(s->id);
    free(s);
}

static json_t *test_row(bool passed, const char *reason, const char *message, const json_t *info)
{
    bool late = !passed && reason && strcmp(reason, "time-limit") == 0;
    json_t *run =
        json_pack("{s:s, s:n, s:o, s:s, s:s}", "status", late ? "TimeLimitExceeded" : "Finished",
                  "execution_time", "return_code", late ? json_null() : json_integer(!passed),
                  "stdout", "", "stderr", message ? message : "");
    return json_pack("{s:b, s:o, s:O?}", "passed", passed, "exec_info",
                     fusion_ran(passed ? "Success" : "Failed", passed || !reason ? "" : reason, run,
                                json_object()),
                     "test_info", info);
}

/* The tests that failed come first; the first few of them say how. There is always a row: of no
 * rows it would be true that all have passed. */
static json_t *test_rows(const json_t *verdict)
{
    const json_t *tests = json_object_get(verdict, "tests"),
                 *failures = json_object_get(tests, "failures"), *failure;
    const char *reason = json_string_value(json_object_get(verdict, "reason"));
    json_int_t passed = json_integer_value(json_object_get(tests, "passed")),
               total = json_integer_value(json_object_get(tests, "total"));
    json_t *rows = json_array();
    size_t i;
    json_array_foreach (failures, i, failure)
        json_array_append_new(rows, test_row(false, reason,
                                             json_string_value(json_object_get(failure, "message")),
                                             failure));
    while ((json_int_t)json_array_size(rows) < total - passed || (reason && !json_array_size(rows)))
        json_array_append_new(rows, test_row(false, reason, NULL, NULL));
    for (json_int_t k = 0; k < passed; k++)
        json_array_append_new(rows, test_row(true, NULL, NULL, NULL));
    return rows;
}

static const char *extracted_type(const char *rule)
{
    if (strcmp(rule, "empty") == 0)
        return rule;
    if (strcmp(rule, "unclosed-fence") == 0)
        return "incomplete_fenced";
    return strstr(rule, "fence") ? "fenced" : "heuristic";
}

static void answer_submit(struct submission *s, json_t *verdict)
{
    struct arena arena = {0};
    struct extraction x;
    const struct problem *p = s->problem;
    const json_t *text = json_object_get(s->item, "response");
    int grade = grade_of(verdict);
    extract_program(str_make(json_string_value(text), json_string_length(text)), p->entry_point,
                    &arena, &x);
    struct buf whole = {0};
    if (*p->starter)
        buf_printf(&whole, "%s\n", p->starter);
    buf_str(&whole, x.code);
    json_t *answer = json_pack("{s:O, s:b, s:o, s:o, s:s, s:o, s:s, s:{s:O}}", "id", s->id,
                               "accepted", grade == GRADE_CORRECT || grade == GRADE_FASTER,
                               "extracted_code", json_stringn(x.code.s ? x.code.s : "", x.code.len),
                               "full_code", json_stringn(buf_view(&whole).s, whole.len),
                               "test_code", "", "tests", test_rows(verdict), "extracted_type",
                               extracted_type(x.rule), "extra", "verdict", verdict);
    buf_free(&whole);
    arena_free(&arena);
    request_answer(s->request, MHD_HTTP_OK, answer);
}

static void on_verdict(void *ctx, json_t *verdict)
{
    struct submission *s = ctx;
    struct request *r = s->request;
    const char *infra = json_string_value(json_object_get(verdict, "infra"));
    s->job = NULL;
    s->done = true;
    r->server->pending--;
    routes_verdict(r, 0, s->item, verdict, s->begun_ns);
    if (infra || grade_of(verdict) < 0)
        request_later(r, MHD_HTTP_GATEWAY_TIMEOUT, "%s", infra ? infra : "no verdict");
    else
        answer_submit(s, verdict);
}

void routes_submit(struct request *r)
{
    json_t *body = read_body(r, submit_keys, COUNT_OF(submit_keys));
    const struct problem *p = body ? problem_of(r, body) : NULL;
    if (p && !request_refused(r, 1)) {
        struct submission *s = r->submission = xcalloc(1, sizeof *s);
        *s = (struct submission){
            .request = r,
            .problem = p,
            .id = json_incref(json_object_get(body, "id")),
            .item = json_pack("{s:s, s:O}", "task_id", p->id, "response",
                              json_object_get(body, "completion")),
            .begun_ns = wall_ns(),
        };
        r->server->pending++;
        const struct job_spec spec = {.problem = p, .catalog = r->catalog, .item = s->item};
        struct job *job = job_start(&r->server->grader, &spec, on_verdict, s);
        s->job = s->done ? NULL : job;
    }
}

/* ---- lists ----------------------------------------------------------------------------------- */

static json_t *prompt_of(const struct problem *p, json_t *id)
{
    json_t *labels = json_pack("{s:s?, s:s, s:s}", "entry_point", p->entry_point, "starter",
                               p->starter, "programming_language", "python");
    json_object_update_missing(labels, p->shown);
    return json_pack("{s:o, s:s, s:o}", "id", id ? json_incref(id) : json_string(p->id), "prompt",
                     p->prompt, "labels", labels);
}

void routes_datasets(struct request *r)
{
    const struct catalog *c = r->catalog;
    json_t *names = json_array();
    for (int i = 0; i < c->set.n_sources; i++)
        if (catalog_source(c, c->names[i]) == i)
            json_array_append_new(names, json_string(c->names[i]));
    request_answer(r, MHD_HTTP_OK, names);
}

/* The prompts that the body asks for; NULL after an answer. */
static json_t *prompts_of(struct request *r, const json_t *body)
{
    json_t *data = json_object_get(json_object_get(body, "config"), "provided_data"), *row;
    const json_t *limit = json_object_get(body, "limit");
    json_int_t first = json_integer_value(json_object_get(body, "offset")),
               n = limit ? json_integer_value(limit) : INT32_MAX, i = 0;
    json_t *prompts = json_array();
    size_t k;
    if (json_is_array(data)) {
        json_array_foreach (data, k, row) {
            const struct problem *p = (json_int_t)k < first || i >= n ? NULL : provided(r, row, 0);
            if (r->answered)
                break;
            if (p && ++i)
                json_array_append_new(prompts, prompt_of(p, json_object_get(row, "id")));
        }
    } else if (json_is_object(data)) {
        request_error(r, MHD_HTTP_BAD_REQUEST, "config.provided_data must be a list here");
    } else {
        int source = source_of(r, body);
        const struct problem_set *set = &r->catalog->set;
        int end = source < 0 ? 0 : set->source_first[source + 1];
        for (json_int_t at = source < 0 ? 0 : set->source_first[source] + (first > 0 ? first : 0);
             at < end && i < n; at++, i++)
            json_array_append_new(prompts, prompt_of(&set->v[at], NULL));
    }
    if (!r->answered)
        return prompts;
    json_decref(prompts);
    return NULL;
}

void routes_prompts(struct request *r)
{
    json_t *body = read_body(r, ask_keys, COUNT_OF(ask_keys));
    json_t *prompts = body ? prompts_of(r, body) : NULL;
    if (prompts)
        request_answer(r, MHD_HTTP_OK, prompts);
}

void routes_ids(struct request *r)
{
    json_t *body = read_body(r, ask_keys, COUNT_OF(ask_keys)), *prompt;
    json_t *prompts = body ? prompts_of(r, body) : NULL, *ids = json_array();
    size_t i;
    json_array_foreach (prompts, i, prompt)
        json_array_append(ids, json_object_get(prompt, "id"));
    if (prompts)
        request_answer(r, MHD_HTTP_OK, json_incref(ids));
    json_decref(ids);
    json_decref(prompts);
}

void routes_prompt(struct request *r)
{
    json_t *body = read_body(r, ask_one_keys, COUNT_OF(ask_one_keys));
    const struct problem *p = body ? problem_of(r, body) : NULL;
    if (p)
        request_answer(r, MHD_HTTP_OK, prompt_of(p, json_object_get(body, "id")));
}
