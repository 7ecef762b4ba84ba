/* Advantages: published values of the group [1, 0, 0.5, 0], and the cases that published
 * trainers got wrong. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trainer/rl/advantage.h"

#define NEAR(got, want) assert_float_equal((float)(got), (float)(want), 1e-6f)

static void group_of_four(void **state)
{
    (void)state;
    const double r[4] = {1, 0, .5, 0};
    const double scaled[4] = {1.305310, -.783186, .261062, -.783186},
                 centred[4] = {.625, -.375, .125, -.375};
    double a[4];
    bool dead;
    struct rl_advantage_stats s;
    rl_advantages(r, 1, 4, SCALE_GROUP, a, &dead, &s);
    for (int i = 0; i < 4; i++)
        NEAR(a[i], scaled[i]);
    assert_false(dead);
    assert_int_equal(s.graded, 4);
    NEAR(s.reward_mean, .375);
    NEAR(s.reward_std, .4787136);
    rl_advantages(r, 1, 4, SCALE_NONE, a, &dead, &s);
    for (int i = 0; i < 4; i++)
        NEAR(a[i], centred[i]);
}

static void batch_scale_uses_the_deviation_of_everything(void **state)
{
    (void)state;
    const double r[4] = {1, 0, 2, 4}; /* mean 1.75, s1 = sqrt(8.75 / 3) */
    double a[4], s1 = sqrt(8.75 / 3) + 1e-4;
    struct rl_advantage_stats s;
    rl_advantages(r, 2, 2, SCALE_BATCH, a, NULL, &s);
    NEAR(a[0], .5 / s1);
    NEAR(a[1], -.5 / s1);
    NEAR(a[2], -1 / s1);
    NEAR(a[3], 1 / s1);
}

static void infra_faults_are_left_out(void **state)
{
    (void)state;
    const double with[5] = {1, NAN, 0, .5, 0}, without[4] = {1, 0, .5, 0};
    double a[5], b[4];
    struct rl_advantage_stats s, t;
    rl_advantages(with, 1, 5, SCALE_GROUP, a, NULL, &s);
    rl_advantages(without, 1, 4, SCALE_GROUP, b, NULL, &t);
    assert_true(a[1] == 0);
    assert_true(a[0] == b[0] && a[2] == b[1] && a[3] == b[2] && a[4] == b[3]);
    assert_int_equal(s.graded, 4);
    assert_true(s.reward_mean == t.reward_mean);
}

static void equal_groups_are_dead_and_exactly_zero(void **state)
{
    (void)state;
    /* 0.1 + 0.2 style constants must not leave rounding noise behind; nor may one graded reward
     * or none. */
    const double r[16] = {.3,  .3,  .3,  .3,  .1, .1,  .1,  .1000001,
                          NAN, NAN, NAN, NAN, 1,  NAN, NAN, NAN};
    double a[16];
    bool dead[4];
    struct rl_advantage_stats s;
    for (int scale = SCALE_GROUP; scale <= SCALE_NONE; scale++) {
        rl_advantages(r, 4, 4, scale, a, dead, &s);
        assert_true(dead[0] && !dead[1] && dead[2] && dead[3]);
        assert_int_equal(s.dead, 3);
        assert_int_equal(s.graded, 9);
        for (int i = 0; i < 16; i++)
            assert_true(i / 4 == 1 ? a[i] != 0 : a[i] == 0);
    }
}

static void nothing_graded(void **state)
{
    (void)state;
    const double r[2] = {NAN, NAN};
    double a[2];
    struct rl_advantage_stats s;
    rl_advantages(r, 1, 2, SCALE_BATCH, a, NULL, &s);
    assert_true(a[0] == 0 && a[1] == 0 && isnan(s.reward_mean) && s.reward_std == 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(group_of_four),
        cmocka_unit_test(batch_scale_uses_the_deviation_of_everything),
        cmocka_unit_test(infra_faults_are_left_out),
        cmocka_unit_test(equal_groups_are_dead_and_exactly_zero),
        cmocka_unit_test(nothing_graded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
