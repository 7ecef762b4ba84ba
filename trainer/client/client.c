/* client.c: one thread and libcurl's multi interface between a program and its verifiers.
 *
 * Items wait in a queue. The thread turns what is there into requests of up to items_per_request,
 * to the server that fleet.c picks: an idle client sends an item at once, a busy one batches. What
 * a verifier refuses for now (429, 5xx, no connection) goes back to the head of the queue. Requests
 * end by their deadline; their items go to another server once, if there is one, and else come back
 * as infra. A request that is called bad is taken apart, so that only the bad item is an error. When
 * all servers have refused for give_up_s, or nothing at all was answered for a whole deadline, or an
 * item of client_grade is called bad, the client has failed: client_wait says so from then on. */
#include "trainer/client/client.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include <client.h>

#include "base/clock.h"
#include "base/queue.h"
#include "base/utf8.h"
#include "trainer/client/fleet.h"

enum { PAGE_PROBLEMS = 2000, BODY_BYTES_MAX = 8 << 20 };
static const double ASK_S = 5, SLEEP_MAX_S = 1;

struct item {
    struct node node;
    client_callback *callback; /* NULL: client_wait hands it out */
    char *text;                /* the ITEM as JSON */
    size_t len;
    bool alone;     /* sent in a request of its own: it, or one beside it, was called bad */
    bool late;      /* has met a deadline once */
    struct err why; /* no verdict: why not */
    struct client_verdict result;
};

/* A POST of items, or (n = 0) a GET of /healthz. */
struct request {
    struct node node;
    struct fleet_server *server;
    CURL *easy;
    struct node items;
    int n;
    struct buf body, answer;
    double started;
};

struct client {
    struct client_options opt;
    struct curl_slist *headers;
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t arrived;
    struct node waiting, done;
    int pending;
    bool stopping;
    struct err failure; /* code 0: none */
    struct client_stats stats;
    struct fleet fleet;
    struct node running; /* the thread's own */
};

static struct item *item_of(struct node *n)
{
    return NODE_OWNER(n, struct item, node);
}

static void item_free(struct item *i)
{
    json_decref(i->result.verdict);
    free(i->text);
    free(i);
}

/* Moves all of `from` to the head of `to`, in order. */
static void put_back(struct node *from, struct node *to)
{
    while (!queue_empty(from)) {
        struct node *last = from->prev;
        queue_remove(last);
        queue_push_front(to, last);
    }
}

/* ---- requests: called with the lock held ---------------------------------------------------- */

static void request_free(struct client *c, struct request *r)
{
    curl_multi_remove_handle(c->multi, r->easy);
    curl_easy_cleanup(r->easy);
    queue_remove(&r->node);
    if (r->n) {
        r->server->requests--;
        r->server->items -= r->n;
    } else {
        r->server->asked = false;
    }
    buf_free(&r->body);
    buf_free(&r->answer);
    free(r);
}

/* Takes waiting items into a request; something is waiting. */
static void request_fill(struct client *c, struct request *r)
{
    queue_init(&r->items);
    buf_puts(&r->body, c->opt.no_timing ? "{\"timing\":false,\"items\":[" : "{\"items\":[");
    while (!queue_empty(&c->waiting) && r->n < c->opt.items_per_request &&
           (!r->n || r->body.len < BODY_BYTES_MAX)) {
        struct item *i = item_of(c->waiting.next);
        if (r->n && i->alone)
            break;
        queue_remove(&i->node);
        buf_puts(&r->body, r->n++ ? "," : "");
        buf_add(&r->body, i->text, i->len);
        queue_push(&r->items, &i->node);
        if (i->alone)
            break;
    }
    buf_puts(&r->body, "]}");
    r->server->requests++;
    r->server->items += r->n;
    r->server->sent += r->n;
    curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->body.s);
    curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
}

/* Sends a request to `s`: of waiting items, or the question whether it is there. */
static void request_send(struct client *c, struct fleet_server *s, bool items)
{
    struct request *r = xcalloc(1, sizeof *r);
    r->server = s;
    r->started = wall_s();
    r->easy = http_easy(&s->address, c->headers, items ? ASSAY_GRADE_PATH : ASSAY_HEALTH_PATH,
                        items ? c->opt.deadline_s : fmin(ASK_S, c->opt.deadline_s), &r->answer);
    curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
    if (items)
        request_fill(c, r);
    else
        s->asked = true;
    queue_push(&c->running, &r->node);
    CHECK(curl_multi_add_handle(c->multi, r->easy) == CURLM_OK);
}

/* Sends what may be sent; returns how long curl may sleep, in milliseconds. */
static int send_waiting(struct client *c)
{
    double now = wall_s();
    struct fleet_server *s;
    pthread_mutex_lock(&c->lock);
    bool work = !c->failure.code && (!queue_empty(&c->waiting) || !queue_empty(&c->running));
    while (work && (s = fleet_to_ask(&c->fleet, now)))
        request_send(c, s, false);
    while (work && !queue_empty(&c->waiting) && (s = fleet_pick(&c->fleet, now)))
        request_send(c, s, true);
    double pause = work ? fleet_pause(&c->fleet, now, SLEEP_MAX_S) : SLEEP_MAX_S;
    pthread_mutex_unlock(&c->lock);
    return (int)(pause * 1000) + 1;
}

/* ---- answers: called with the lock held, and unlocked only to call back ---------------------- */

static void fail(struct client *c, const struct fleet_server *s, int code, const char *what)
{
    if (!c->failure.code)
        err_set(&c->failure, code, "the verifier at %s %s", s->address.url, what);
    pthread_cond_broadcast(&c->arrived);
}

static int grade_of(const json_t *verdict)
{
    static const char *const names[] = GRADE_NAMES;
    const char *name = json_string_value(json_object_get(verdict, "grade"));
    for (int g = 0; name && g < GRADE_COUNT; g++)
        if (strcmp(names[g], name) == 0)
            return g;
    return -1;
}

/* Hands an item over whose result is set. */
static void hand_over(struct client *c, struct item *i)
{
    if (!i->why.code || i->result.verdict) {
        c->stats.graded += i->result.grade >= 0;
        c->stats.infra += i->result.grade < 0;
    }
    if (!i->callback) {
        queue_push(&c->done, &i->node);
        pthread_cond_broadcast(&c->arrived);
        return;
    }
    pthread_mutex_unlock(&c->lock);
    i->callback(i->result.cookie, &i->result, i->result.verdict ? NULL : &i->why);
    item_free(i);
    pthread_mutex_lock(&c->lock);
}

static void give_verdict(struct client *c, struct item *i, json_t *verdict)
{
    const json_t *reward = json_object_get(verdict, "reward");
    i->result.verdict = json_incref(verdict);
    i->result.reward = json_is_number(reward) ? json_number_value(reward) : NAN;
    i->result.grade = isnan(i->result.reward) ? -1 : grade_of(verdict);
    if (i->result.grade < 0)
        i->result.reward = NAN;
    hand_over(c, i);
}

static void give_up(struct client *c, struct item *i, int code, const char *why)
{
    i->result.grade = -1;
    i->result.reward = NAN;
    err_set(&i->why, code, "%s", why);
    hand_over(c, i);
}

static void answered(struct client *c, struct request *r)
{
    char text[512];
    json_t *root = json_loadb(r->answer.s ? r->answer.s : "", r->answer.len, 0, NULL);
    const json_t *verdicts = json_object_get(root, "verdicts");
    if ((int)json_array_size(verdicts) == r->n) {
        fleet_answered(r->server, wall_s());
        size_t k = 0;
        for (struct node *n = r->items.next, *next; n != &r->items; n = next) {
            json_t *verdict = json_array_get(verdicts, k++);
            next = n->next;
            bool graded = json_is_string(json_object_get(verdict, "grade"));
            r->server->graded += graded;
            r->server->infra += !graded;
            give_verdict(c, item_of(n), verdict);
        }
        queue_init(&r->items);
    } else {
        snprintf(text, sizeof text, "sent an answer that is not %d verdicts (%zu bytes)", r->n,
                 r->answer.len);
        fail(c, r->server, -EPROTO, text);
    }
    json_decref(root);
}

static void refused(struct client *c, struct request *r, bool there, const char *how)
{
    double now = wall_s();
    char text[600];
    curl_off_t retry_after = 0;
    curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &retry_after);
    fleet_refused(&c->fleet, r->server, now, there, (double)retry_after);
    double since = fleet_refused_for(&c->fleet, now);
    if (since > c->opt.give_up_s) {
        snprintf(text, sizeof text, "has refused work for %.0f s: %s", since, how);
        fail(c, r->server, -ECONNREFUSED, text);
    }
    c->stats.retries += r->n > 0;
}

/* The server took the request and did not answer in time. */
static void out_of_time(struct client *c, struct request *r)
{
    char text[64];
    bool elsewhere = fleet_other_up(&c->fleet, r->server);
    snprintf(text, sizeof text, "has answered nothing for %.0f s", c->opt.deadline_s);
    if (!elsewhere && fleet_last_answer(&c->fleet) < r->started)
        fail(c, r->server, -ETIMEDOUT, text);
    if (elsewhere)
        fleet_refused(&c->fleet, r->server, wall_s(), false, 0);
    snprintf(text, sizeof text, "no answer within %g s", c->opt.deadline_s);
    struct node again;
    queue_init(&again);
    for (struct node *n = r->items.next, *next; n != &r->items; n = next) {
        struct item *i = item_of(n);
        next = n->next;
        if (elsewhere && !i->late) {
            i->late = true;
            queue_push(&again, n);
        } else {
            give_up(c, i, 0, text);
            r->server->infra++;
        }
    }
    queue_init(&r->items);
    put_back(&again, &c->waiting);
}

/* One bad item spoils a request that others share: each goes alone, and then it is known. */
static void called_bad(struct client *c, struct request *r, const char *how)
{
    struct item *first = item_of(r->items.next);
    if (r->n > 1) {
        for (struct node *n = r->items.next; n != &r->items; n = n->next)
            item_of(n)->alone = true;
    } else if (first->callback) {
        queue_remove(&first->node);
        give_up(c, first, -EINVAL, how);
    } else {
        fail(c, r->server, -EPROTO, how);
    }
}

static void is_there(struct request *r)
{
    json_t *health = json_loadb(r->answer.s ? r->answer.s : "", r->answer.len, 0, NULL);
    json_int_t slots = json_integer_value(json_object_get(health, "slots"));
    r->server->slots = slots < 1 ? 1 : slots > 4096 ? 4096 : (int)slots;
    r->server->up = true;
    json_decref(health);
}

static void finished(struct client *c, struct request *r, CURLcode code)
{
    long status = 0;
    char why[400], text[512];
    curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    http_error_text(&r->answer, why, sizeof why);
    snprintf(text, sizeof text, "answers HTTP %ld%s", status, why);
    pthread_mutex_lock(&c->lock);
    if (code == CURLE_OPERATION_TIMEDOUT && r->n &&
        wall_s() - r->started >= c->opt.deadline_s * .99)
        out_of_time(c, r);
    else if (code != CURLE_OK)
        refused(c, r, false, curl_easy_strerror(code));
    else if (status == 429 || status >= 500)
        refused(c, r, r->n > 0, text);
    else if (status == 200 && r->n)
        answered(c, r);
    else if (status == 200)
        is_there(r);
    else if ((status == 400 || status == 413) && r->n)
        called_bad(c, r, text);
    else
        fail(c, r->server, -EPROTO, text);
    if (r->n)
        put_back(&r->items, &c->waiting);
    request_free(c, r);
    pthread_mutex_unlock(&c->lock);
}

/* ---- the thread ----------------------------------------------------------------------------- */

/* After a failure nothing is sent again: callbacks hear of it, client_wait says it itself. */
static void give_up_waiting(struct client *c, int code, const char *why)
{
    struct node all;
    queue_init(&all);
    put_back(&c->waiting, &all);
    for (struct node *n = all.next, *next; n != &all; n = next) {
        struct item *i = item_of(n);
        next = n->next;
        if (i->callback)
            give_up(c, i, code, why);
        else
            queue_push(&c->waiting, n);
    }
}

static void *client_thread(void *ctx)
{
    struct client *c = ctx;
    for (;;) {
        int running, left;
        CURLMsg *msg;
        pthread_mutex_lock(&c->lock);
        if (c->failure.code)
            give_up_waiting(c, c->failure.code, c->failure.text);
        bool stopping = c->stopping;
        pthread_mutex_unlock(&c->lock);
        if (stopping)
            return NULL;
        int sleep_ms = send_waiting(c);
        curl_multi_perform(c->multi, &running);
        bool any = false;
        while ((msg = curl_multi_info_read(c->multi, &left))) {
            struct request *r;
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&r);
            if (msg->msg == CURLMSG_DONE)
                finished(c, r, msg->data.result);
            any = true;
        }
        if (!any)
            curl_multi_poll(c->multi, NULL, 0, sleep_ms, NULL);
    }
}

/* Signals are the business of the program's own threads. */
static void thread_start(struct client *c)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    CHECK(pthread_create(&c->thread, NULL, client_thread, c) == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- what callers see ----------------------------------------------------------------------- */

int client_start(const struct client_options *opt, struct client **ret, struct err *err)
{
    struct client *c = xcalloc(1, sizeof *c);
    c->opt = *opt;
    c->opt.urls = NULL; /* the caller's; fleet and headers have copies */
    c->opt.token = NULL;
    c->opt.items_per_request = opt->items_per_request > 0 ? opt->items_per_request : 8;
    c->opt.requests_in_flight = opt->requests_in_flight > 0 ? opt->requests_in_flight : 16;
    c->opt.deadline_s = opt->deadline_s > 0 ? opt->deadline_s : 120;
    c->opt.give_up_s = opt->give_up_s > 0 ? opt->give_up_s : 60;
    if (c->opt.items_per_request > ASSAY_ITEMS_MAX)
        c->opt.items_per_request = ASSAY_ITEMS_MAX;
    int rc = fleet_init(&c->fleet, opt->urls, opt->n_urls, c->opt.requests_in_flight, err);
    if (rc < 0) {
        free(c);
        return rc;
    }
    c->headers = http_headers(opt->token);
    queue_init(&c->waiting);
    queue_init(&c->done);
    queue_init(&c->running);
    c->multi = check_alloc(curl_multi_init());
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->arrived, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&c->lock, NULL);
    thread_start(c);
    *ret = c;
    return 0;
}

static void items_free(struct node *list)
{
    for (struct node *n = list->next, *next; n != list; n = next) {
        next = n->next;
        item_free(item_of(n));
    }
}

void client_stop(struct client *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_mutex_unlock(&c->lock);
    curl_multi_wakeup(c->multi);
    pthread_join(c->thread, NULL);
    pthread_mutex_lock(&c->lock);
    for (struct node *n = c->running.next, *next; n != &c->running; n = next) {
        next = n->next;
        struct request *r = NODE_OWNER(n, struct request, node);
        if (r->n)
            put_back(&r->items, &c->waiting);
        request_free(c, r);
    }
    give_up_waiting(c, -ECANCELED, "stopped before there was a verdict");
    pthread_mutex_unlock(&c->lock);
    items_free(&c->waiting);
    items_free(&c->done);
    curl_multi_cleanup(c->multi);
    curl_slist_free_all(c->headers);
    fleet_free(&c->fleet);
    pthread_cond_destroy(&c->arrived);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void client_submit(struct client *c, const char *task_id, enum client_text kind, const char *text,
                   size_t len, client_callback *callback, void *ctx)
{
    static const char *const keys[] = {"response", "completion", "solution"};
    struct buf id = {0}, clean = {0};
    struct item *i = xcalloc(1, sizeof *i);
    utf8_clean(str_of(task_id), &id);
    utf8_clean(str_make(text, len), &clean);
    for (size_t k = 0; k < clean.len; k++)
        if (!clean.s[k]) /* Python refuses both, a JSON reader the whole request */
            clean.s[k] = 0x1a;
    json_t *o = json_pack("{s:s%, s:s%}", "task_id", id.s ? id.s : "", id.len, keys[kind],
                          clean.s ? clean.s : "", clean.len);
    i->text = check_alloc(json_dumps(o, JSON_COMPACT));
    i->len = strlen(i->text);
    i->callback = callback;
    i->result.cookie = ctx;
    json_decref(o);
    buf_free(&id);
    buf_free(&clean);
    pthread_mutex_lock(&c->lock);
    queue_push(&c->waiting, &i->node);
    c->pending += !callback;
    c->stats.sent++;
    pthread_mutex_unlock(&c->lock);
    curl_multi_wakeup(c->multi);
}

void client_grade(struct client *c, const char *task_id, const char *response, size_t response_len,
                  void *cookie)
{
    client_submit(c, task_id, CLIENT_RESPONSE, response, response_len, NULL, cookie);
}

int client_wait(struct client *c, double timeout_s, struct client_verdict *ret, struct err *err)
{
    int64_t until = wall_ns() + (int64_t)(timeout_s * 1e9);
    struct timespec at = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
    int rc = 0;
    pthread_mutex_lock(&c->lock);
    while (queue_empty(&c->done) && c->pending && !c->failure.code && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&c->arrived, &c->lock, &at);
    struct node *n = queue_pop(&c->done);
    if (n)
        c->pending--;
    struct err failure = c->failure;
    int pending = c->pending;
    pthread_mutex_unlock(&c->lock);
    if (n) {
        struct item *i = item_of(n);
        *ret = i->result;
        i->result.verdict = NULL;
        item_free(i);
        return 0;
    }
    if (failure.code)
        return err_set(err, failure.code, "%s", failure.text);
    return pending ? err_set(err, -ETIMEDOUT, "no verdict within %.1f s", timeout_s)
                   : err_set(err, -EAGAIN, "no completion is being graded");
}

int client_pending(struct client *c)
{
    pthread_mutex_lock(&c->lock);
    int n = c->pending;
    pthread_mutex_unlock(&c->lock);
    return n;
}

struct client_stats client_stats(struct client *c)
{
    pthread_mutex_lock(&c->lock);
    struct client_stats s = c->stats;
    pthread_mutex_unlock(&c->lock);
    return s;
}

bool client_server(struct client *c, int i, struct client_server *ret)
{
    if (i >= c->fleet.n)
        return false;
    pthread_mutex_lock(&c->lock);
    const struct fleet_server *s = &c->fleet.v[i];
    *ret = (struct client_server){.url = s->address.url,
                                  .up = s->up,
                                  .slots = s->slots,
                                  .sent = s->sent,
                                  .graded = s->graded,
                                  .infra = s->infra,
                                  .refusals = s->refusals};
    pthread_mutex_unlock(&c->lock);
    return true;
}

/* ---- questions that wait for their answer --------------------------------------------------- */

/* Asks one server after the other, until one is there. */
static int get(struct client *c, const char *path, json_t **ret, struct err *err)
{
    int rc = -ECONNREFUSED;
    for (int i = 0; i < c->fleet.n && rc == -ECONNREFUSED; i++)
        rc = http_get(&c->fleet.v[i].address, c->headers, path, c->opt.deadline_s, ret, err);
    return rc;
}

int client_health(struct client *c, json_t **ret, struct err *err)
{
    json_t *root;
    TRY(get(c, ASSAY_HEALTH_PATH, &root, err));
    if (ret)
        *ret = root;
    else
        json_decref(root);
    return 0;
}

int client_problems(struct client *c, int source, json_t **ret, struct err *err)
{
    json_t *all = json_array();
    for (json_int_t total = 1; (json_int_t)json_array_size(all) < total;) {
        char path[128];
        json_t *page;
        snprintf(path, sizeof path, ASSAY_PROBLEMS_PATH "?source=%d&offset=%zu&limit=%d", source,
                 json_array_size(all), PAGE_PROBLEMS);
        int rc = get(c, path, &page, err);
        if (rc < 0) {
            json_decref(all);
            return rc;
        }
        json_t *list = json_object_get(page, "problems");
        total = json_integer_value(json_object_get(page, "total"));
        bool empty = json_array_size(list) == 0;
        json_array_extend(all, list);
        json_decref(page);
        if (empty && (json_int_t)json_array_size(all) < total) {
            json_decref(all);
            return err_set(
                err, -EPROTO,
                "the verifier sent an empty page of problems before all %lld of source %d",
                (long long)total, source);
        }
    }
    *ret = all;
    return 0;
}
