/* assay.c: include/assay.h on top of client.c and process.c. Adds nothing but plain structs, and the
 * wait for a batch. */
#include <assay.h>

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "trainer/client/client.h"
#include "trainer/client/process.h"

_Static_assert((int)ASSAY_FASTER == GRADE_FASTER && (int)ASSAY_NOT_CODE == GRADE_NOT_CODE,
               "the grades are verdict.h's");
_Static_assert((int)ASSAY_SOLUTION == CLIENT_SOLUTION, "the kinds of text are client.h's");

struct assay {
    struct verifier_process *process; /* NULL: somebody else's verifier */
    struct client *client;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t less;
    int pending; /* submitted and not called back */
    bool closing;
};

static int tell(struct assay_error *why, int rc, const struct err *err)
{
    if (rc < 0 && why) {
        why->code = rc;
        snprintf(why->text, sizeof why->text, "%s", err->text);
    }
    return rc;
}

static int open_both(const struct assay_options *o, struct assay *a, struct err *err)
{
    const char *url;
    struct client_options opt = {.urls = o->urls,
                                 .n_urls = o->n_urls,
                                 .token = o->token,
                                 .items_per_request = 0,
                                 .deadline_s = o->deadline_s,
                                 .give_up_s = o->give_up_s,
                                 .no_timing = o->no_timing};
    if ((o->n_urls > 0) == (o->n_problems > 0))
        return err_set(err, -EINVAL, "name the URLs of verifiers, or problems for one of your own");
    if (o->n_problems > 0) {
        const struct verifier_process_options mine = {.program = o->program,
                                                      .problems = o->problems,
                                                      .n_problems = o->n_problems,
                                                      .slots = o->slots,
                                                      .no_timing = o->no_timing,
                                                      .config = o->config,
                                                      .log = o->log};
        TRY(verifier_process_start(&mine, &a->process, err));
        url = verifier_process_url(a->process);
        opt.urls = &url;
        opt.n_urls = 1;
    }
    TRY(client_start(&opt, &a->client, err));
    return client_health(a->client, NULL, err);
}

int assay_open(const struct assay_options *options, struct assay **ret, struct assay_error *why)
{
    struct err err = {0};
    struct assay *a = xcalloc(1, sizeof *a);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&a->less, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&a->lock, NULL);
    int rc = open_both(options, a, &err);
    if (rc < 0)
        assay_close(a);
    else
        *ret = a;
    return tell(why, rc, &err);
}

void assay_close(struct assay *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->closing = true;
    pthread_mutex_unlock(&a->lock);
    client_stop(a->client);
    verifier_process_stop(a->process);
    pthread_cond_destroy(&a->less);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* ---- verdicts ------------------------------------------------------------------------------- */

static double number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

/* `owned` holds what the strings point to: the VERDICT, or the sentence that stands for it. */
static struct assay_verdict verdict_of(const struct client_verdict *v, const struct err *why)
{
    json_t *o = v->verdict ? json_incref(v->verdict) : json_string(why->text);
    const json_t *tests = json_object_get(o, "tests"), *time = json_object_get(o, "time"),
                 *speedup = json_object_get(time, "speedup");
    return (struct assay_verdict){
        .grade = (enum assay_grade)v->grade,
        .reward = v->reward,
        .reason = json_string_value(json_object_get(o, "reason")),
        .infra = v->verdict ? json_string_value(json_object_get(o, "infra")) : json_string_value(o),
        .error = why ? why->code : 0,
        .passed = (int)json_integer_value(json_object_get(tests, "passed")),
        .total = (int)json_integer_value(json_object_get(tests, "total")),
        .cpu_ms = number(time, "cpu_ms"),
        .wall_ms = number(time, "wall_ms"),
        .speedup = number(speedup, "ratio"),
        .speedup_low = number(speedup, "low"),
        .speedup_high = number(speedup, "high"),
        .memory_peak_kib = json_integer_value(json_object_get(o, "memory_peak_kib")),
        .cached = json_is_true(json_object_get(o, "cached")),
        .owned = o};
}

void assay_release(struct assay_verdict *verdicts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_decref(verdicts[i].owned);
        verdicts[i] = (struct assay_verdict){.grade = ASSAY_NO_GRADE};
    }
}

char *assay_verdict_json(const struct assay_verdict *verdict)
{
    return json_is_object((json_t *)verdict->owned)
               ? check_alloc(json_dumps(verdict->owned, JSON_COMPACT | JSON_REAL_PRECISION(9)))
               : NULL;
}

const char *assay_grade_name(enum assay_grade grade)
{
    static const char *const names[] = GRADE_NAMES;
    return (int)grade >= 0 && (int)grade < GRADE_COUNT ? names[grade] : "none";
}

/* ---- one at a time, with a callback ------------------------------------------------------------ */

struct submitted {
    struct assay *assay;
    assay_callback *callback;
    void *ctx;
};

static void on_submitted(void *ctx, const struct client_verdict *v, const struct err *why)
{
    struct submitted *s = ctx;
    struct assay *a = s->assay;
    struct assay_verdict verdict = verdict_of(v, why);
    s->callback(s->ctx, &verdict);
    assay_release(&verdict, 1);
    free(s);
    pthread_mutex_lock(&a->lock);
    if (--a->pending == 0)
        pthread_cond_broadcast(&a->less);
    pthread_mutex_unlock(&a->lock);
}

int assay_submit(struct assay *a, const struct assay_item *item, assay_callback *callback,
                 void *ctx, struct assay_error *why)
{
    struct err err = {0};
    pthread_mutex_lock(&a->lock);
    bool closing = a->closing;
    a->pending += !closing;
    pthread_mutex_unlock(&a->lock);
    if (closing)
        return tell(why, err_set(&err, -ECANCELED, "the verifier is being closed"), &err);
    struct submitted *s = xcalloc(1, sizeof *s);
    *s = (struct submitted){a, callback, ctx};
    client_submit(a->client, item->task_id, (enum client_text)item->kind, item->text, item->len,
                  on_submitted, s);
    return 0;
}

int assay_flush(struct assay *a, double timeout_s, struct assay_error *why)
{
    struct err err = {0};
    int rc = 0;
    /* A year is as good as never, and fits. */
    int64_t until = wall_ns() + (int64_t)(fmin(timeout_s < 0 ? 3e7 : timeout_s, 3e7) * 1e9);
    const struct timespec at = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
    pthread_mutex_lock(&a->lock);
    while (a->pending && rc == 0)
        rc = pthread_cond_timedwait(&a->less, &a->lock, &at);
    int pending = a->pending;
    pthread_mutex_unlock(&a->lock);
    if (!pending)
        return 0;
    return tell(
        why, err_set(&err, -ETIMEDOUT, "%d verdicts are missing after %.1f s", pending, timeout_s),
        &err);
}

/* ---- a batch ------------------------------------------------------------------------------------ */

struct batch {
    pthread_mutex_t lock;
    pthread_cond_t done;
    size_t left;
    struct err failure; /* of the whole client */
};

struct batch_row {
    struct batch *batch;
    struct assay_verdict *verdict;
};

static void on_row(void *ctx, const struct client_verdict *v, const struct err *why)
{
    const struct batch_row *row = ctx;
    struct batch *b = row->batch;
    pthread_mutex_lock(&b->lock);
    *row->verdict = verdict_of(v, why);
    if (why && why->code && why->code != -EINVAL)
        b->failure = *why;
    if (--b->left == 0)
        pthread_cond_signal(&b->done);
    pthread_mutex_unlock(&b->lock);
}

int assay_grade(struct assay *a, const struct assay_item *items, size_t n,
                struct assay_verdict *ret, struct assay_error *why)
{
    struct batch b = {.left = n};
    struct batch_row *rows = xcalloc(n, sizeof *rows);
    pthread_mutex_init(&b.lock, NULL);
    pthread_cond_init(&b.done, NULL);
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct batch_row){&b, &ret[i]};
        client_submit(a->client, items[i].task_id, (enum client_text)items[i].kind, items[i].text,
                      items[i].len, on_row, &rows[i]);
    }
    pthread_mutex_lock(&b.lock);
    while (b.left)
        pthread_cond_wait(&b.done, &b.lock);
    pthread_mutex_unlock(&b.lock);
    pthread_cond_destroy(&b.done);
    pthread_mutex_destroy(&b.lock);
    free(rows);
    if (b.failure.code)
        assay_release(ret, n);
    return tell(why, b.failure.code, &b.failure);
}

int assay_problems(struct assay *a, int source, char **ret_json, struct assay_error *why)
{
    struct err err = {0};
    json_t *all;
    int rc = client_problems(a->client, source, &all, &err);
    if (rc == 0) {
        *ret_json = check_alloc(json_dumps(all, JSON_COMPACT));
        json_decref(all);
    }
    return tell(why, rc, &err);
}
