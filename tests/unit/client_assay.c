/* include/assay.h as a program meets it: batches from several threads, callbacks, faults, errors,
 * and closing with work under way. The installed library is met in tests/e2e/embed.sh. */
#include <assay.h>

#include "client_harness.h"

static struct assay *open_at(const struct server *s, double deadline_s, double give_up_s)
{
    char url[80];
    const char *urls[] = {url};
    struct assay *a;
    struct assay_error why;
    snprintf(url, sizeof url, "unix:%s", s->path);
    const struct assay_options options = {
        .urls = urls, .n_urls = 1, .deadline_s = deadline_s, .give_up_s = give_up_s};
    if (assay_open(&options, &a, &why) < 0)
        fail_msg("%s", why.text);
    return a;
}

/* Items whose rewards are from .. from + n - 1. */
static struct assay_item *items_from(int from, int n)
{
    struct assay_item *items = calloc((size_t)n, sizeof *items);
    for (int i = 0; i < n; i++) {
        char *text;
        items[i] = (struct assay_item){.task_id = "t"};
        items[i].len = (size_t)asprintf(&text, "%d", from + i);
        items[i].text = text;
    }
    return items;
}

static void items_free(struct assay_item *items, int n)
{
    for (int i = 0; i < n; i++)
        free((char *)items[i].text);
    free(items);
}

struct caller {
    pthread_t thread;
    struct assay *assay;
    int from;
};

static void *grade_some(void *ctx)
{
    const struct caller *c = ctx;
    struct assay_item *items = items_from(c->from, 100);
    struct assay_verdict verdicts[100];
    assert_int_equal(assay_grade(c->assay, items, 100, verdicts, NULL), 0);
    for (int i = 0; i < 100; i++) {
        assert_true(verdicts[i].reward == c->from + i);
        assert_int_equal(verdicts[i].grade, ASSAY_CORRECT);
    }
    assay_release(verdicts, 100);
    items_free(items, 100);
    return NULL;
}

static void batches_of_several_threads_keep_apart(void **state)
{
    (void)state;
    struct server *s = server_start(GRADE);
    struct assay *a = open_at(s, 10, 10);
    struct caller callers[4];
    for (int i = 0; i < 4; i++) {
        callers[i] = (struct caller){.assay = a, .from = 1000 * i};
        pthread_create(&callers[i].thread, NULL, grade_some, &callers[i]);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(callers[i].thread, NULL);
    assert_int_equal(s->items, 400);
    assert_int_equal(assay_grade(a, NULL, 0, NULL, NULL), 0);
    assay_close(a);
    server_stop(s);
}

struct heard {
    _Atomic int n, graded, faults, cancelled;
};

static void hear(void *ctx, const struct assay_verdict *v)
{
    struct heard *h = ctx;
    h->n++;
    h->graded += v->grade == ASSAY_CORRECT;
    h->faults += v->grade == ASSAY_NO_GRADE && isnan(v->reward) && v->infra;
    h->cancelled += v->error == -ECANCELED;
}

static void callbacks_come_once(void **state)
{
    (void)state;
    struct server *s = server_start(BUSY_AT_FIRST);
    struct assay *a = open_at(s, 10, 10);
    struct heard h = {0};
    struct assay_item *items = items_from(0, 50);
    const struct assay_item fault = {.task_id = "t", .text = "infra", .len = 5};
    for (int i = 0; i < 50; i++)
        assert_int_equal(assay_submit(a, &items[i], hear, &h, NULL), 0);
    assay_submit(a, &fault, hear, &h, NULL);
    assert_int_equal(assay_flush(a, 10, NULL), 0);
    assert_int_equal(h.n, 51);
    assert_int_equal(h.graded, 50);
    assert_int_equal(h.faults, 1);
    assert_int_equal(h.cancelled, 0);
    assay_close(a);
    items_free(items, 50);
    server_stop(s);
}

static void closing_calls_back_for_what_is_left(void **state)
{
    (void)state;
    struct server *s = server_start(HANG);
    struct assay *a = open_at(s, 60, 60);
    struct assay_error why;
    struct heard h = {0};
    struct assay_item *items = items_from(0, 30);
    for (int i = 0; i < 30; i++)
        assay_submit(a, &items[i], hear, &h, NULL);
    assert_int_equal(assay_flush(a, .05, &why), -ETIMEDOUT);
    assert_non_null(strstr(why.text, "30 verdicts are missing"));
    assay_close(a);
    assert_int_equal(h.n, 30);
    assert_int_equal(h.cancelled, 30);
    items_free(items, 30);
    server_stop(s);
}

/* The scripted server calls whatever holds "wrong" a bad request, and so all that comes with it. */
static void a_bad_item_spoils_no_other(void **state)
{
    (void)state;
    struct server *s = server_start(REFUSE_WRONG);
    struct assay *a = open_at(s, 10, 10);
    struct assay_item *items = items_from(0, 12);
    struct assay_verdict v[12];
    free((char *)items[5].text);
    items[5].text = strdup("wrong");
    items[5].len = 5;
    assert_int_equal(assay_grade(a, items, 12, v, NULL), 0);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(v[i].grade, i == 5 ? ASSAY_NO_GRADE : ASSAY_CORRECT);
        assert_int_equal(v[i].error, i == 5 ? -EINVAL : 0);
    }
    assert_non_null(strstr(v[5].infra, "HTTP 400: this one is wrong"));
    assert_null(assay_verdict_json(&v[5]));
    char *json = assay_verdict_json(&v[4]);
    assert_non_null(strstr(json, "\"reward\":4.0"));
    free(json);
    assay_release(v, 12);
    items_free(items, 12);
    assay_close(a);
    server_stop(s);
}

static void a_verifier_that_is_gone_is_an_error(void **state)
{
    (void)state;
    struct server *s = server_start(GRADE);
    struct assay *a = open_at(s, 10, .3);
    struct assay_item *items = items_from(0, 3);
    struct assay_verdict v[3];
    struct assay_error why;
    server_stop(s);
    assert_int_equal(assay_grade(a, items, 3, v, &why), -ECONNREFUSED);
    assert_non_null(strstr(why.text, "has refused work"));
    assert_int_equal(why.code, -ECONNREFUSED);
    assay_close(a);
    items_free(items, 3);
}

static void options_are_checked(void **state)
{
    (void)state;
    struct assay *a;
    struct assay_error why;
    const char *one[] = {"http://127.0.0.1:1"};
    const struct assay_options none = {0},
                               both = {.urls = one, .n_urls = 1, .problems = one, .n_problems = 1},
                               nobody = {.urls = one, .n_urls = 1},
                               nowhere = {.problems = one, .n_problems = 1, .program = "/nowhere"};
    assert_int_equal(assay_open(&none, &a, &why), -EINVAL);
    assert_int_equal(assay_open(&both, &a, NULL), -EINVAL);
    assert_int_equal(assay_open(&nobody, &a, &why), -ECONNREFUSED);
    assert_non_null(strstr(why.text, "127.0.0.1:1"));
    assert_int_equal(assay_open(&nowhere, &a, &why), -ENOENT);
    assert_string_equal(assay_grade_name(ASSAY_FASTER), "faster");
    assert_string_equal(assay_grade_name(ASSAY_NO_GRADE), "none");
    assay_close(NULL);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_of_several_threads_keep_apart),
        cmocka_unit_test(callbacks_come_once),
        cmocka_unit_test(closing_calls_back_for_what_is_left),
        cmocka_unit_test(a_bad_item_spoils_no_other),
        cmocka_unit_test(a_verifier_that_is_gone_is_an_error),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
