/* Advantages: published values of the group [1, 0, 0.5, 0], and the cases that published
 * trainers got wrong. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "trainer/rl/advantage.h"

static void advantages(const double *r, int n_groups, int group, int scale, double *a, bool *dead,
                       struct rl_advantage_stats *stats)
{
    struct rl_advantage_options opt = RL_ADVANTAGE_OPTIONS_DEFAULT;
    opt.scale = (enum scale_rewards)scale;
    rl_advantages(&opt, r, NULL, n_groups, group, a, dead, stats);
}

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
    advantages(r, 1, 4, SCALE_GROUP, a, &dead, &s);
    for (int i = 0; i < 4; i++)
        NEAR(a[i], scaled[i]);
    assert_false(dead);
    assert_int_equal(s.graded, 4);
    NEAR(s.reward_mean, .375);
    NEAR(s.reward_std, .4787136);
    advantages(r, 1, 4, SCALE_NONE, a, &dead, &s);
    for (int i = 0; i < 4; i++)
        NEAR(a[i], centred[i]);
}

/* What other trainers publish for the same group: their epsilons, their deviations, their
 * baselines. */
static void published_variants(void **state)
{
    (void)state;
    const double r[4] = {1, 0, .5, 0};
    const struct {
        struct rl_advantage_options opt;
        double want[4];
    } rows[] = {
        {{.eps = 1e-6}, {1.305580, -.783348, .261116, -.783348}},
        {{.eps = 1e-9}, {1.305582, -.783349, .261116, -.783349}},
        {{.eps = 1e-8, .population = true}, {1.507557, -.904534, .301511, -.904534}},
        {{.eps = 1e-4, .population = true}, {1.507193, -.904316, .301439, -.904316}},
        {{.estimator = ADVANTAGE_RLOO}, {.833333, -.5, .166667, -.5}},
        {{.estimator = ADVANTAGE_MAX_RL}, {1.666667, -1, .333333, -1}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        double a[4];
        struct rl_advantage_stats s;
        rl_advantages(&rows[i].opt, r, NULL, 1, 4, a, NULL, &s);
        for (int k = 0; k < 4; k++)
            NEAR(a[k], rows[i].want[k]);
    }
}

/* REINFORCE++ over tokens: rewards 1, 0, .5 on 2, 1 and 1 tokens: mean .625, variance 2.75 / 4 / 3. */
static void tokens_are_whitened(void **state)
{
    (void)state;
    const double r[6] = {1, 0, .5, NAN, 1, 1};
    const int lengths[6] = {2, 1, 1, 9, 3, 5};
    double a[6];
    bool dead[2];
    struct rl_advantage_stats s;
    struct rl_advantage_options opt = {.estimator = ADVANTAGE_REINFORCE_PP};
    rl_advantages(&opt, r, lengths, 1, 3, a, dead, &s);
    double scale = sqrt(.6875 / 3 + 1e-8);
    NEAR(a[0], .375 / scale);
    NEAR(a[1], -.625 / scale);
    NEAR(a[2], -.125 / scale);
    /* A group of equal rewards stands out against the batch; with the baseline it does not. */
    rl_advantages(&opt, r, lengths, 2, 3, a, dead, &s);
    assert_true(!dead[0] && !dead[1] && a[3] == 0 && a[4] == a[5] && a[4] > 0);
    assert_int_equal(s.dead, 1);
    opt.estimator = ADVANTAGE_REINFORCE_PP_BASELINE;
    rl_advantages(&opt, r, lengths, 1, 3, a, dead, &s);
    double m = .5, mean = (2 * .5 - .5 + 0) / 4,
           v = (2 * (.5 - mean) * (.5 - mean) + (-.5 - mean) * (-.5 - mean) + mean * mean) / 3;
    NEAR(a[0], (1 - m - mean) / sqrt(v + 1e-8));
    NEAR(a[1], (0 - m - mean) / sqrt(v + 1e-8));
    const double same[3] = {1, 1, 1};
    opt.estimator = ADVANTAGE_REINFORCE_PP;
    rl_advantages(&opt, same, lengths, 1, 3, a, dead, &s);
    assert_true(dead[0] && a[0] == 0 && a[1] == 0 && a[2] == 0);
}

/* A rare reward weighs as much as a common one when each is normalised by itself. */
static void rewards_normalised_one_by_one(void **state)
{
    (void)state;
    const double grade[4] = {1, 0, 1, 0}, format[4] = {0, 0, .1, 0}, weights[2] = {1, 2};
    const double *const both[2] = {grade, format};
    struct rl_advantage_options opt = RL_ADVANTAGE_OPTIONS_DEFAULT;
    struct rl_advantage_stats s;
    double a[4], g = .5 / (sqrt(1. / 3) + 1e-4), deviation = .05, z[4], squares = 0;
    rl_advantages_each(&opt, both, weights, 2, 1, 4, a, NULL, &s);
    for (int i = 0; i < 4; i++) {
        z[i] = (grade[i] > 0 ? g : -g) + 2 * (format[i] - .025) / (deviation + 1e-4);
        squares += z[i] * z[i];
    }
    for (int i = 0; i < 4; i++)
        NEAR(a[i], z[i] / (sqrt(squares / 3) + 1e-4));
    /* What one reward could not grade is left out; a group without a difference is dead. */
    const double broken[4] = {1, NAN, 0, 1}, flat[4] = {.5, .5, .5, .5};
    const double *const two[2] = {broken, flat};
    bool dead;
    rl_advantages_each(&opt, two, weights, 2, 1, 4, a, &dead, &s);
    assert_true(a[1] == 0 && a[0] == a[3] && a[2] < 0 && !dead);
    const double *const none[1] = {flat};
    rl_advantages_each(&opt, none, weights, 1, 1, 4, a, &dead, &s);
    assert_true(dead && a[0] == 0 && s.dead == 1);
}

static void batch_scale_uses_the_deviation_of_everything(void **state)
{
    (void)state;
    const double r[4] = {1, 0, 2, 4}; /* mean 1.75, s1 = sqrt(8.75 / 3) */
    double a[4], s1 = sqrt(8.75 / 3) + 1e-4;
    struct rl_advantage_stats s;
    advantages(r, 2, 2, SCALE_BATCH, a, NULL, &s);
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
    advantages(with, 1, 5, SCALE_GROUP, a, NULL, &s);
    advantages(without, 1, 4, SCALE_GROUP, b, NULL, &t);
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
        advantages(r, 4, 4, scale, a, dead, &s);
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
    advantages(r, 1, 2, SCALE_BATCH, a, NULL, &s);
    assert_true(a[0] == 0 && a[1] == 0 && isnan(s.reward_mean) && s.reward_std == 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(group_of_four),
        cmocka_unit_test(published_variants),
        cmocka_unit_test(tokens_are_whitened),
        cmocka_unit_test(rewards_normalised_one_by_one),
        cmocka_unit_test(batch_scale_uses_the_deviation_of_everything),
        cmocka_unit_test(infra_faults_are_left_out),
        cmocka_unit_test(equal_groups_are_dead_and_exactly_zero),
        cmocka_unit_test(nothing_graded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
