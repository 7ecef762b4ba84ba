/* Several verifiers: who gets what, and one that dies, hangs or comes back in the middle. */
#include "client_harness.h"
#include "trainer/client/fleet.h"

/* ---- the choice, by itself ------------------------------------------------------------------ */

static void setup_three(struct fleet *f)
{
    const char *urls[] = {"http://a:1/", "https://b/pre", "unix:/c"};
    assert_int_equal(fleet_init(f, urls, 3, 100, NULL), 0);
    for (int i = 0; i < 3; i++) {
        f->v[i].up = true;
        f->v[i].slots = 1 << i;
    }
}

static void addresses_are_read(void **state)
{
    (void)state;
    struct fleet f;
    setup_three(&f);
    assert_string_equal(f.v[0].address.base, "http://a:1");
    assert_string_equal(f.v[1].address.base, "https://b/pre");
    assert_null(f.v[1].address.socket_path);
    assert_string_equal(f.v[2].address.socket_path, "/c");
    fleet_free(&f);
    static const char *const bad[] = {"ftp://x", "unix:", "a:1", ""};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(fleet_init(&f, &bad[i], 1, 1, NULL), -EINVAL);
}

/* Seventy items on servers of 1, 2 and 4 slots are ten for each slot. */
static void work_follows_the_slots(void **state)
{
    (void)state;
    struct fleet f;
    setup_three(&f);
    for (int i = 0; i < 70; i++) {
        struct fleet_server *s = fleet_pick(&f, 1);
        s->items++;
        s->sent++;
    }
    for (int i = 0; i < 3; i++)
        assert_in_range(f.v[i].items, (10 << i) - 1, (10 << i) + 1);
    /* No server is given more than it can soon use. */
    for (int i = 70; i < 7 * 32; i++) {
        struct fleet_server *s = fleet_pick(&f, 1);
        assert_non_null(s);
        s->items++;
    }
    assert_null(fleet_pick(&f, 1));
    fleet_free(&f);
}

static void refusals_pause_and_absence_leaves_out(void **state)
{
    (void)state;
    struct fleet f;
    setup_three(&f);
    fleet_refused(&f, &f.v[2], 1, true, 2);
    assert_true(f.v[2].up && f.v[2].not_before >= 2 && f.v[2].not_before <= 4);
    fleet_refused(&f, &f.v[1], 1, false, 0);
    assert_false(f.v[1].up);
    assert_ptr_equal(fleet_pick(&f, 1), &f.v[0]);
    assert_null(fleet_to_ask(&f, 1));
    assert_ptr_equal(fleet_to_ask(&f, 1.1), &f.v[1]);
    assert_true(fleet_pause(&f, 1, 5) <= .06);
    double longest = 0;
    for (int i = 0; i < 20; i++) {
        double now = f.v[1].not_before;
        fleet_refused(&f, &f.v[1], now, false, 0);
        longest = fmax(longest, f.v[1].not_before - now);
    }
    assert_true(longest > 1 && longest <= 3);
    /* One of three takes work, so nobody gives up. */
    assert_true(fleet_refused_for(&f, 100) <= 0);
    fleet_refused(&f, &f.v[0], 90, true, 0);
    assert_true(fabs(fleet_refused_for(&f, 100) - 10) < 1e-9);
    fleet_answered(&f.v[1], 100);
    assert_true(fleet_refused_for(&f, 100) <= 0);
    fleet_free(&f);
}

/* ---- with servers --------------------------------------------------------------------------- */

static struct client *client_of_two(struct server *const s[2], double deadline_s, double give_up_s)
{
    const char *const paths[] = {s[0]->path, s[1]->path};
    return client_of_all(paths, 2, deadline_s, give_up_s);
}

static void both_take_part(void **state)
{
    (void)state;
    struct server *s[2] = {server_start(GRADE), server_start(GRADE)};
    struct client *c = client_of_two(s, 10, 10);
    struct client_server info;
    int64_t graded = 0;
    grade_all(c, 400);
    assert_int_equal(s[0]->items + s[1]->items, 400);
    for (int i = 0; i < 2; i++) {
        assert_true(s[i]->items > 40);
        assert_true(client_server(c, i, &info));
        assert_true(info.up && info.slots == 2 && info.sent == s[i]->items);
        graded += info.graded;
    }
    assert_int_equal(graded, 400);
    assert_false(client_server(c, 2, &info));
    client_stop(c);
    for (int i = 0; i < 2; i++)
        server_stop(s[i]);
}

static void stop_one(void *ctx)
{
    server_stop(ctx);
}

/* One dies with requests on their way; later it is back, and is found. */
static void one_that_dies_costs_nothing(void **state)
{
    (void)state;
    char dir[] = "/tmp/assay-fleet-XXXXXX";
    struct client_server info;
    assert_non_null(mkdtemp(dir));
    struct server *s[2] = {server_start(GRADE), server_at(dir, GRADE)};
    struct client *c = client_of_two(s, 10, 10);
    enqueue(c, 400);
    collect(c, 400, 100, stop_one, s[1]);
    assert_true(client_stats(c).retries > 0);
    grade_all(c, 100);
    client_server(c, 1, &info);
    assert_false(info.up);
    s[1] = server_at(dir, GRADE);
    for (int round = 0; round < 500 && !s[1]->items; round++) {
        grade_all(c, 4);
        usleep(10000);
    }
    assert_true(s[1]->items > 0);
    assert_int_equal(client_stats(c).infra, 0);
    client_stop(c);
    server_stop(s[0]);
    server_stop(s[1]);
    rmdir(dir);
}

/* One that takes requests and never answers: its items go to the other once they are late. */
static void one_that_hangs_costs_a_deadline(void **state)
{
    (void)state;
    struct server *s[2] = {server_start(GRADE), server_start(HANG)};
    struct client *c = client_of_two(s, 1.5, 10);
    grade_all(c, 60);
    assert_true(s[1]->items > 0);
    assert_int_equal(client_stats(c).infra, 0);
    client_stop(c);
    s[1]->stopping = 1;
    for (int i = 0; i < 2; i++)
        server_stop(s[i]);
}

static void none_left_is_an_error(void **state)
{
    (void)state;
    struct server *s[2] = {server_start(ALWAYS_BUSY), server_start(ALWAYS_BUSY)};
    struct client *c = client_of_two(s, 5, .3);
    struct client_verdict v;
    struct err err = {0};
    client_grade(c, "t", "1", 1, NULL);
    assert_int_equal(client_wait(c, 10, &v, &err), -ECONNREFUSED);
    assert_non_null(strstr(err.text, "busy"));
    client_stop(c);
    for (int i = 0; i < 2; i++)
        server_stop(s[i]);
}

/* What the first server lacks, the second has: questions go to whoever is there. */
static void questions_go_to_whoever_is_there(void **state)
{
    (void)state;
    struct server *s = server_start(GRADE);
    const char *const paths[] = {"/tmp/assay-no-such-socket", s->path};
    struct client *c = client_of_all(paths, 2, 5, 5);
    json_t *all;
    assert_int_equal(client_health(c, NULL, NULL), 0);
    assert_int_equal(client_problems(c, 0, &all, NULL), 0);
    assert_int_equal(json_array_size(all), 4500);
    json_decref(all);
    grade_all(c, 20);
    client_stop(c);
    server_stop(s);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read),
        cmocka_unit_test(work_follows_the_slots),
        cmocka_unit_test(refusals_pause_and_absence_leaves_out),
        cmocka_unit_test(both_take_part),
        cmocka_unit_test(one_that_dies_costs_nothing),
        cmocka_unit_test(one_that_hangs_costs_a_deadline),
        cmocka_unit_test(none_left_is_an_error),
        cmocka_unit_test(questions_go_to_whoever_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
