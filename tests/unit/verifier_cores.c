/* Which core a slot's task gets, for uses of cores that are given here; and what is read of this
 * host's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "verifier/cores.h"

enum { CORES = 3 };

/* Cores 4, 6 and 9, of which these shares were unused. */
static struct cores cores_with(struct core list[CORES], double a, double b, double c)
{
    list[0] = (struct core){.id = 4, .unused = a};
    list[1] = (struct core){.id = 6, .unused = b};
    list[2] = (struct core){.id = 9, .unused = c};
    return (struct cores){.list = list, .n = CORES};
}

static void slots_spread(void **state)
{
    struct core list[CORES];
    struct cores c = cores_with(list, -1, -1, -1);
    int taken[7];
    (void)state;
    for (int i = 0; i < 7; i++) {
        for (int k = 0; k < i; k++)
            cores_count(&c, taken[k]);
        taken[i] = cores_choose(&c, -1);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(taken[i], list[i].id);
        assert_int_equal(taken[3 + i], list[i].id);
    }
    assert_int_equal(taken[6], 4); /* more slots than cores share them */
}

static void slots_stay(void **state)
{
    struct core list[CORES];
    struct cores c = cores_with(list, 0, 0.5, 0.5); /* others are at work as well, everywhere */
    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(cores_choose(&c, 4), 4);
    c = cores_with(list, 0.1, 1, 1); /* its own work leaves a tenth */
    assert_int_equal(cores_choose(&c, 4), 4);
    c = cores_with(list, -1, 1, 1);
    assert_int_equal(cores_choose(&c, 4), 4);
}

static void a_crowded_core_is_left_for_a_free_one(void **state)
{
    struct core list[CORES];
    struct cores c = cores_with(list, 0.01, 0.7, 0.9);
    (void)state;
    assert_int_equal(cores_choose(&c, 4), 9);
    assert_int_equal(cores_choose(&c, 4), 6); /* that one is no longer known to be free */
    assert_int_equal(cores_choose(&c, 4), 4); /* nor is this */
    c = cores_with(list, 0.01, 0.7, 0.9);
    cores_count(&c, 9); /* another slot is at work there */
    assert_int_equal(cores_choose(&c, 4), 6);
}

static void slots_that_met_part_again(void **state)
{
    struct core list[CORES];
    struct cores c = cores_with(list, 0, 0, 0);
    (void)state;
    cores_count(&c, 4);
    cores_count(&c, 6);
    assert_int_equal(cores_choose(&c, 4), 9); /* the only one where no slot of ours is at work */
    cores_count(&c, 4);
    cores_count(&c, 4);
    cores_count(&c, 6);
    cores_count(&c, 9);
    assert_int_not_equal(cores_choose(&c, 4), 4);
}

static void nothing_known_nothing_chosen(void **state)
{
    struct cores c = {0};
    (void)state;
    cores_count(&c, 3);
    assert_int_equal(cores_choose(&c, -1), -1);
    assert_int_equal(cores_choose(&c, 3), -1);
}

static void this_host_is_read(void **state)
{
    struct cores c;
    cpu_set_t set, one;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    cores_open(&c);
    assert_int_equal(c.n, CPU_COUNT(&set));
    for (int i = 0; i < c.n; i++) {
        assert_true(CPU_ISSET(c.list[i].id, &set));
        assert_true(c.n == 1 || c.list[i].idle <= c.list[i].passed);
        assert_true(c.list[i].unused < 0); /* one look tells no share */
    }
    CPU_ZERO(&one);
    CPU_SET(c.list[0].id, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    cores_look(&c, 2);
    assert_int_equal(c.n, CPU_COUNT(&set)); /* too early to look again */
    cores_look(&c, 10000);
    assert_int_equal(c.n, 1); /* what is allowed has changed */
    int id = c.list[0].id;
    assert_int_equal(cores_choose(&c, -1), id);
    assert_int_equal(sched_setaffinity(0, sizeof set, &set), 0);
    cores_close(&c);
}

/* Counts of the kernel's that go on while this process waits for them. */
static void use_is_known_after_a_second_look(void **state)
{
    struct cores c;
    uint64_t now_ms = 1;
    int known = 0;
    (void)state;
    cores_open(&c);
    if (c.n < 2 || c.list[0].passed == 0) {
        cores_close(&c);
        print_message("one core, or no figures in /proc/stat\n");
        skip();
    }
    for (int tries = 0; tries < 50 && known < c.n; tries++) {
        usleep(200 * 1000);
        cores_look(&c, now_ms += 1000);
        known = 0;
        for (int i = 0; i < c.n; i++) {
            assert_true(c.list[i].unused <= 1);
            known += c.list[i].unused >= 0;
        }
    }
    assert_int_equal(known, c.n);
    cores_close(&c);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_spread),
        cmocka_unit_test(slots_stay),
        cmocka_unit_test(a_crowded_core_is_left_for_a_free_one),
        cmocka_unit_test(slots_that_met_part_again),
        cmocka_unit_test(nothing_known_nothing_chosen),
        cmocka_unit_test(this_host_is_read),
        cmocka_unit_test(use_is_known_after_a_second_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
