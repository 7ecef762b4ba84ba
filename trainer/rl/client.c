/* client.c: one thread and libcurl's multi interface between the trainer and its verifier.
 *
 * Items wait in a queue. The thread turns what is there into requests of up to items_per_request,
 * at most requests_in_flight at a time: an idle client sends an item at once, a busy one batches.
 * What the verifier refuses for now (429, 503, no connection) goes back to the head of the queue,
 * and nothing is sent before a jittered, doubling pause has passed. Requests end by their deadline;
 * an item whose deadline passed comes back as infra. When refusals have gone on for give_up_s
 * without one answer between them, or the verifier answered nothing at all for a whole deadline, or
 * it calls our request bad, the client has failed: client_wait says so from then on. */
#include "trainer/rl/client.h"

#include <curl/curl.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include <client.h>

#include "base/clock.h"
#include "base/queue.h"
#include "base/rng.h"
#include "base/str.h"
#include "trainer/text/utf8.h"

enum { PAGE_PROBLEMS = 2000, ANSWER_BYTES_MAX = 256 << 20, BODY_BYTES_MAX = 8 << 20 };
static const double BACKOFF_MIN_S = .02, BACKOFF_MAX_S = 2, CONNECT_S = 5;

struct item {
    struct node node;
    void *cookie;
    char *text; /* the ITEM as JSON */
    size_t len;
    struct client_verdict result;
};

struct request {
    struct node node;
    CURL *easy;
    struct node items;
    int n;
    struct buf body, answer;
    double started;
};

struct client {
    struct client_options opt;
    char *base, *socket_path;
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
    /* the thread's own */
    struct node running;
    int n_running;
    double not_before, backoff, refused_since,
        last_answer; /* refused_since 0: no refusal since the last answer */
    struct rng rng;
};

/* ---- requests ------------------------------------------------------------------------------- */

static size_t take_bytes(char *bytes, size_t size, size_t n, void *ctx)
{
    struct buf *answer = ctx;
    if (n * size > ANSWER_BYTES_MAX || answer->len + n * size > ANSWER_BYTES_MAX)
        return 0;
    buf_add(answer, bytes, n * size);
    return n * size;
}

static CURL *easy_new(const struct client *c, const char *path, struct buf *answer)
{
    struct buf url = {0};
    CURL *easy = check_alloc(curl_easy_init());
    buf_printf(&url, "%s%s", c->base, path);
    curl_easy_setopt(easy, CURLOPT_URL, url.s);
    if (c->socket_path) {
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, c->socket_path);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, c->headers);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(CONNECT_S * 1000));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(c->opt.deadline_s * 1000));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    buf_free(&url);
    return easy;
}

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

static void items_free(struct node *list)
{
    for (struct node *n = list->next, *next; n != list; n = next) {
        next = n->next;
        item_free(item_of(n));
    }
    queue_init(list);
}

static void request_free(struct client *c, struct request *r)
{
    curl_multi_remove_handle(c->multi, r->easy);
    curl_easy_cleanup(r->easy);
    queue_remove(&r->node);
    c->n_running--;
    buf_free(&r->body);
    buf_free(&r->answer);
    free(r);
}

/* Takes waiting items into a new request. Called with the lock held; something is waiting. */
static struct request *request_fill(struct client *c)
{
    struct request *r = xcalloc(1, sizeof *r);
    queue_init(&r->items);
    buf_puts(&r->body, c->opt.no_timing ? "{\"timing\":false,\"items\":[" : "{\"items\":[");
    while (!queue_empty(&c->waiting) && r->n < c->opt.items_per_request &&
           (!r->n || r->body.len < BODY_BYTES_MAX)) {
        struct item *i = item_of(queue_pop(&c->waiting));
        buf_puts(&r->body, r->n++ ? "," : "");
        buf_add(&r->body, i->text, i->len);
        queue_push(&r->items, &i->node);
    }
    buf_puts(&r->body, "]}");
    return r;
}

static void request_send(struct client *c, struct request *r)
{
    r->easy = easy_new(c, ASSAY_GRADE_PATH, &r->answer);
    r->started = wall_s();
    curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
    curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->body.s);
    curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
    queue_push(&c->running, &r->node);
    c->n_running++;
    CHECK(curl_multi_add_handle(c->multi, r->easy) == CURLM_OK);
}

/* ---- answers -------------------------------------------------------------------------------- */

static void fail(struct client *c, int code, const char *what)
{
    pthread_mutex_lock(&c->lock);
    if (!c->failure.code)
        err_set(&c->failure, code, "the verifier at %s %s",
                c->socket_path ? c->socket_path : c->base, what);
    pthread_cond_broadcast(&c->arrived);
    pthread_mutex_unlock(&c->lock);
}

/* What the answer says about an error: its "error", or nothing. */
static void error_text(const struct buf *answer, char *out, size_t size)
{
    json_t *root = json_loadb(answer->s ? answer->s : "", answer->len, 0, NULL);
    const char *text = json_string_value(json_object_get(root, "error"));
    snprintf(out, size, "%s%.300s", text ? ": " : "", text ? text : "");
    json_decref(root);
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

/* Hands the request's items over: with verdicts, or with NULL as infra. */
static void deliver(struct client *c, struct request *r, const json_t *verdicts)
{
    pthread_mutex_lock(&c->lock);
    for (size_t k = 0; !queue_empty(&r->items); k++) {
        struct item *i = item_of(queue_pop(&r->items));
        json_t *verdict = json_array_get(verdicts, k);
        const json_t *reward = json_object_get(verdict, "reward");
        i->result = (struct client_verdict){
            .cookie = i->cookie,
            .verdict = json_incref(verdict),
            .grade = grade_of(verdict),
            .reward = json_is_number(reward) ? json_number_value(reward) : NAN};
        if (i->result.grade < 0)
            i->result.reward = NAN;
        i->result.grade = isnan(i->result.reward) ? -1 : i->result.grade;
        c->stats.graded += i->result.grade >= 0;
        c->stats.infra += i->result.grade < 0;
        queue_push(&c->done, &i->node);
    }
    pthread_cond_broadcast(&c->arrived);
    pthread_mutex_unlock(&c->lock);
}

/* Puts the items back and pauses. */
static void refused(struct client *c, struct request *r, const char *how)
{
    double now = wall_s(), after = 0;
    char text[512];
    curl_off_t retry_after = 0;
    if (curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK &&
        retry_after > 0)
        after = retry_after > 5 ? 5 : (double)retry_after;
    if (c->refused_since <= 0)
        c->refused_since = now;
    if (now - c->refused_since > c->opt.give_up_s) {
        snprintf(text, sizeof text, "has refused work for %.0f s: %s", now - c->refused_since, how);
        fail(c, -ECONNREFUSED, text);
    }
    if (now >= c->not_before) { /* requests refused in one go count once */
        c->backoff = c->backoff * 2 < BACKOFF_MAX_S ? c->backoff * 2 : BACKOFF_MAX_S;
        c->not_before =
            now + (after > c->backoff ? after : c->backoff) * (.5 + rng_uniform(&c->rng));
    }
    pthread_mutex_lock(&c->lock);
    c->stats.retries++;
    while (!queue_empty(&r->items)) {
        struct node *last = r->items.prev;
        queue_remove(last);
        queue_push_front(&c->waiting, last);
    }
    pthread_mutex_unlock(&c->lock);
}

static void answered(struct client *c, struct request *r)
{
    json_error_t bad;
    char text[512];
    json_t *root = json_loadb(r->answer.s ? r->answer.s : "", r->answer.len, 0, &bad);
    const json_t *verdicts = json_object_get(root, "verdicts");
    if ((int)json_array_size(verdicts) == r->n) {
        c->last_answer = wall_s();
        c->refused_since = 0;
        c->backoff = BACKOFF_MIN_S;
        deliver(c, r, verdicts);
    } else {
        snprintf(text, sizeof text, "sent an answer that is not %d verdicts (%zu bytes)", r->n,
                 r->answer.len);
        fail(c, -EPROTO, text);
    }
    json_decref(root);
}

static void finished(struct client *c, struct request *r, CURLcode code)
{
    long status = 0;
    char why[400], text[512];
    curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    error_text(&r->answer, why, sizeof why);
    snprintf(text, sizeof text, "answers HTTP %ld%s", status, why);
    if (code == CURLE_OPERATION_TIMEDOUT && wall_s() - r->started >= c->opt.deadline_s * .99) {
        if (c->last_answer < r->started) {
            snprintf(text, sizeof text, "has answered nothing for %.0f s", c->opt.deadline_s);
            fail(c, -ETIMEDOUT, text);
        }
        deliver(c, r, NULL);
    } else if (code != CURLE_OK) {
        refused(c, r, curl_easy_strerror(code));
    } else if (status == 429 || status >= 500) {
        refused(c, r, text);
    } else if (status == 200) {
        answered(c, r);
    } else {
        fail(c, -EPROTO, text);
    }
    /* After a failure nothing is sent again; the items left are given up by client_stop. */
    pthread_mutex_lock(&c->lock);
    while (!queue_empty(&r->items))
        queue_push(&c->waiting, queue_pop(&r->items));
    pthread_mutex_unlock(&c->lock);
    request_free(c, r);
}

/* ---- the thread ----------------------------------------------------------------------------- */

/* Sends what may be sent; returns how long curl may sleep, in milliseconds. */
static int send_waiting(struct client *c)
{
    for (;;) {
        double pause = c->not_before - wall_s();
        struct request *r = NULL;
        pthread_mutex_lock(&c->lock);
        bool waiting = !queue_empty(&c->waiting) && !c->failure.code;
        if (waiting && pause <= 0 && c->n_running < c->opt.requests_in_flight)
            r = request_fill(c);
        pthread_mutex_unlock(&c->lock);
        if (!r)
            return waiting && pause > 0 ? (int)(pause * 1000) + 1 : 1000;
        request_send(c, r);
    }
}

static void *client_thread(void *ctx)
{
    struct client *c = ctx;
    for (;;) {
        int running, left;
        CURLMsg *msg;
        pthread_mutex_lock(&c->lock);
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

/* ---- what callers see ----------------------------------------------------------------------- */

static void curl_once(void)
{
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

static void headers_make(struct client *c)
{
    struct buf bearer = {0};
    c->headers = curl_slist_append(NULL, "Content-Type: application/json");
    c->headers = curl_slist_append(c->headers, "Expect:");
    if (c->opt.token) {
        buf_printf(&bearer, "Authorization: Bearer %s", c->opt.token);
        c->headers = curl_slist_append(c->headers, bearer.s);
        buf_free(&bearer);
    }
}

int client_start(const struct client_options *opt, struct client **ret, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (!opt->socket_path == !opt->url)
        return err_set(err, -EINVAL, "a client needs a unix socket or a URL");
    if (opt->url && strncasecmp(opt->url, "http://", 7) != 0 &&
        strncasecmp(opt->url, "https://", 8) != 0)
        return err_set(err, -EINVAL, "verifier URL `%.200s`: want http://HOST:PORT", opt->url);
    pthread_once(&once, curl_once);
    struct client *c = xcalloc(1, sizeof *c);
    c->opt = *opt;
    c->opt.items_per_request = opt->items_per_request > 0 ? opt->items_per_request : 8;
    c->opt.requests_in_flight = opt->requests_in_flight > 0 ? opt->requests_in_flight : 16;
    c->opt.deadline_s = opt->deadline_s > 0 ? opt->deadline_s : 120;
    c->opt.give_up_s = opt->give_up_s > 0 ? opt->give_up_s : 60;
    if (c->opt.items_per_request > ASSAY_ITEMS_MAX)
        c->opt.items_per_request = ASSAY_ITEMS_MAX;
    c->socket_path = opt->socket_path ? check_alloc(strdup(opt->socket_path)) : NULL;
    c->base = check_alloc(strdup(opt->url ? opt->url : "http://localhost"));
    for (size_t n = strlen(c->base); n && c->base[n - 1] == '/'; n--)
        c->base[n - 1] = 0;
    headers_make(c);
    c->backoff = BACKOFF_MIN_S;
    c->rng = rng_make((uint64_t)wall_ns(), 0);
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
    CHECK(pthread_create(&c->thread, NULL, client_thread, c) == 0);
    *ret = c;
    return 0;
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
    for (struct node *n = c->running.next, *next; n != &c->running; n = next) {
        next = n->next;
        struct request *r = NODE_OWNER(n, struct request, node);
        items_free(&r->items);
        request_free(c, r);
    }
    items_free(&c->waiting);
    items_free(&c->done);
    curl_multi_cleanup(c->multi);
    curl_slist_free_all(c->headers);
    pthread_cond_destroy(&c->arrived);
    pthread_mutex_destroy(&c->lock);
    free(c->base);
    free(c->socket_path);
    free(c);
}

void client_grade(struct client *c, const char *task_id, const char *response, size_t response_len,
                  void *cookie)
{
    struct buf clean = {0};
    struct item *i = xcalloc(1, sizeof *i);
    utf8_clean(str_make(response, response_len), &clean);
    for (size_t k = 0; k < clean.len; k++)
        if (!clean.s[k]) /* Python refuses both, a JSON reader the whole request */
            clean.s[k] = 0x1a;
    json_t *o =
        json_pack("{s:s, s:s%}", "task_id", task_id, "response", clean.s ? clean.s : "", clean.len);
    i->text = check_alloc(json_dumps(o, JSON_COMPACT));
    i->len = strlen(i->text);
    i->cookie = cookie;
    json_decref(o);
    buf_free(&clean);
    pthread_mutex_lock(&c->lock);
    queue_push(&c->waiting, &i->node);
    c->pending++;
    c->stats.sent++;
    pthread_mutex_unlock(&c->lock);
    curl_multi_wakeup(c->multi);
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

/* ---- questions that wait for their answer --------------------------------------------------- */

static int get(struct client *c, const char *path, json_t **ret, struct err *err)
{
    const char *where = c->socket_path ? c->socket_path : c->base;
    struct buf answer = {0};
    char why[400];
    long status = 0;
    json_error_t bad;
    CURL *easy = easy_new(c, path, &answer);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(easy);
    json_t *root =
        code == CURLE_OK ? json_loadb(answer.s ? answer.s : "", answer.len, 0, &bad) : NULL;
    error_text(&answer, why, sizeof why);
    buf_free(&answer);
    if (code == CURLE_OK && status == 200 && root) {
        *ret = root;
        return 0;
    }
    json_decref(root);
    if (code != CURLE_OK)
        return err_set(err, -ECONNREFUSED, "the verifier at %s cannot be reached: %s", where,
                       curl_easy_strerror(code));
    if (status != 200)
        return err_set(err, -EPROTO, "the verifier at %s answers HTTP %ld to GET %s%s", where,
                       status, path, why);
    return err_set(err, -EPROTO, "the verifier at %s sent what is not JSON: %s", where, bad.text);
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
