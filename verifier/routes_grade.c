/* routes_grade.c: POST /v1/grade: some items in, their verdicts out, or nothing at all. */
#include <stdlib.h>

#include "client.h"
#include "samples.h"
#include "server.h"

struct served {
    struct request *request;
    struct job *job; /* NULL once there is a verdict */
    json_t *item, *verdict;
    const struct problem *problem;
};

void routes_grade_release(struct request *r)
{
    for (int i = 0; i < r->n_served; i++) {
        json_decref(r->served[i].item);
        json_decref(r->served[i].verdict);
    }
    free(r->served);
    r->served = NULL;
    r->n_served = 0;
}

void routes_grade_cancel(struct request *r)
{
    for (int i = 0; i < r->n_served; i++)
        if (r->served[i].job)
            job_cancel(r->served[i].job);
    r->server->pending -= r->left;
    r->left = 0;
    routes_grade_release(r);
}

static void answer_verdicts(struct request *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->n_served; i++)
        json_array_append(list, r->served[i].verdict);
    request_answer(r, MHD_HTTP_OK, json_pack("{s:o}", "verdicts", list));
}

/* While routes_grade still starts jobs nothing is suspended yet, and it answers itself. */
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
    json_t *body = json_loadb(buf_view(&r->body).s, r->body.len,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (!json_is_object(body)) {
        request_error(r, MHD_HTTP_BAD_REQUEST, "the body is not a JSON object: %s",
                      body ? "another type" : why.text);
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
        request_error(r, MHD_HTTP_BAD_REQUEST,
                      json_is_array(items) ? "next to `items` there may be only `timing`"
                                           : "key `items` must be a list");
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
    size_t n = json_array_size(items);
    struct err err;
    if (n > ASSAY_ITEMS_MAX) {
        request_error(r, MHD_HTTP_BAD_REQUEST, "%zu items: up to %d are taken at a time", n,
                      ASSAY_ITEMS_MAX);
        return false;
    }
    r->served = xcalloc(n, sizeof *r->served);
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_array_get(items, i);
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
    return !request_refused(r, (long)n);
}

void routes_grade(struct request *r)
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
        struct job_spec spec = {
            .problem = row->problem, .item = row->item, .sample = (int)sample, .timing = timing};
        struct job *job = job_start(&r->server->grader, &spec, on_verdict, row);
        row->job = row->verdict ? NULL : job;
    }
    json_decref(counts);
    if (r->left == 0)
        answer_verdicts(r);
}
