/* timing.c by simulation: a program against itself, and against a slower one, under realistic
 * noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "verifier/timing.h"

/* Noise whose log has deviation `sd`, most of it from one run in ten that is disturbed five
 * times as much as the others. */
static double noisy(struct rng *r, double cost, double sd)
{
    double wide = rng_uniform(r) < 0.1 ? 5 : 1;
    return cost * exp(rng_normal(r) * wide * sd / sqrt(0.9 + 0.1 * 25));
}

static int wins(double speed, double sd, int trials, uint64_t seed, double *ret_pairs)
{
    int won = 0;
    long pairs = 0;
    for (int i = 0; i < trials; i++) {
        struct rng r = rng_make(seed, (uint64_t)i);
        struct timing t = {0};
        enum timing_next next;
        do {
            timing_add(&t, noisy(&r, 1e6 * speed, sd), noisy(&r, 1e6, sd), 0);
            next = timing_decide(&t, TIMING_MARGIN_DEFAULT);
        } while (next == TIMING_MORE);
        assert_in_range(t.n, TIMING_PAIRS_MIN, TIMING_PAIRS_MAX);
        struct timing_summary s = timing_summarise(&t);
        assert_true(s.low <= s.ratio && s.ratio <= s.high);
        assert_int_equal(next == TIMING_FASTER, s.low >= TIMING_MARGIN_DEFAULT);
        won += next == TIMING_FASTER;
        pairs += t.n;
    }
    *ret_pairs = (double)pairs / trials;
    return won;
}

static void identical_programs_do_not_win(void **state)
{
    static const double sds[] = {0.01, 0.1, 0.2, 0.3, 0.6};
    (void)state;
    for (size_t i = 0; i < sizeof sds / sizeof *sds; i++) {
        double pairs;
        int won = wins(1, sds[i], 2000, 11 + i, &pairs);
        print_message("# identical, sd %.2f: %d of 2000 win, %.1f pairs\n", sds[i], won, pairs);
        assert_in_range(won, 0, 19);
    }
}

/* The interval's promise holds at the margin itself, where every look is at its worst. */
static void a_program_at_the_margin_wins_rarely(void **state)
{
    double pairs;
    (void)state;
    int won = wins(TIMING_MARGIN_DEFAULT, 0.1, 4000, 31, &pairs);
    print_message("# at the margin: %d of 4000 win, %.1f pairs\n", won, pairs);
    assert_in_range(won, 0, 55);
}

static void a_program_twice_as_fast_wins(void **state)
{
    static const double sds[] = {0.01, 0.1, 0.2, 0.3};
    (void)state;
    for (size_t i = 0; i < sizeof sds / sizeof *sds; i++) {
        double pairs;
        int won = wins(2, sds[i], 2000, 51 + i, &pairs);
        print_message("# 2x, sd %.2f: %d of 2000 win, %.1f pairs\n", sds[i], won, pairs);
        assert_in_range(won, 1901, 2000);
    }
}

static void a_slower_program_stops_early(void **state)
{
    double pairs;
    (void)state;
    assert_int_equal(wins(0.5, 0.1, 500, 71, &pairs), 0);
    assert_true(pairs < 2.5);
}

static void a_third_faster_mostly_wins(void **state)
{
    static const double sds[] = {0.01, 0.05, 0.1, 0.15};
    (void)state;
    for (size_t i = 0; i < sizeof sds / sizeof *sds; i++) {
        double pairs;
        int won = wins(1.3, sds[i], 1000, 91 + i, &pairs);
        print_message("# 1.3x, sd %.2f: %d of 1000 win, %.1f pairs\n", sds[i], won, pairs);
        assert_in_range(won, 800, 1000);
    }
}

/* Costs that grow by a known exponent, under noise. */
static struct timing_growth growth_of(double exponent, double sd, uint64_t seed)
{
    double size[5], cost[5];
    struct rng r = rng_make(seed, 1);
    for (int i = 0; i < 5; i++) {
        size[i] = 1000 << i;
        cost[i] = 3e3 * pow(size[i], exponent) * exp(sd * rng_normal(&r));
    }
    return timing_growth(size, cost, 5);
}

static void growth_is_the_exponent_with_its_error(void **state)
{
    static const double exponents[] = {0, 0.5, 1, 1.1, 2, 3};
    int within = 0, all = 0;
    (void)state;
    for (size_t i = 0; i < sizeof exponents / sizeof *exponents; i++) {
        struct timing_growth g = growth_of(exponents[i], 0, 1);
        assert_true(fabs(g.exponent - exponents[i]) < 1e-9 && g.error < 1e-9);
        for (uint64_t seed = 0; seed < 200; seed++, all++) {
            g = growth_of(exponents[i], 0.05, 7 + seed);
            within += fabs(g.exponent - exponents[i]) < 3.18 * g.error; /* t, 3 degrees, 95 % */
        }
    }
    print_message("# %d of %d within the 95 %% interval\n", within, all);
    assert_in_range(within, all * 92 / 100, all * 98 / 100);
}

static void a_gain_is_believed_and_explained(void **state)
{
    const struct timing_growth square = {2, 0.03}, line = {1, 0.04}, vague = {1, 0.6};
    (void)state;
    assert_true(fabs(timing_gain(square, line, 100, 16) - 0.9) < 1e-9);
    assert_true(timing_gain(square, vague, 100, 16) == 0);
    assert_true(timing_gain(line, square, 100, 16) == 0);
    /* Twice as fast over a span of 16 explains a quarter at most, whatever the small sizes took. */
    assert_true(fabs(timing_gain(square, line, 2, 16) - 0.25) < 1e-9);
    assert_true(timing_gain(square, line, 1, 16) == 0);
}

/* Pairs whose ratios have these logs. */
static struct timing logs(const double *log_ratios, int n)
{
    struct timing t = {0};
    for (int i = 0; i < n; i++)
        timing_add(&t, 1e3 * exp(log_ratios[i]), 1e3, 0);
    return t;
}

static void the_estimate_is_the_median_of_walsh_averages(void **state)
{
    struct timing t = logs((double[]){0, 1, 5}, 3);
    (void)state;
    /* 0, .5, 1, 2.5, 3, 5: the middle is 1.75 */
    struct timing_summary s = timing_summarise(&t);
    assert_true(fabs(log(s.ratio) - 1.75) < 1e-12);
    assert_true(s.low == 0 && fabs(log(s.high) - 5) < 1e-12);
    t = logs((double[]){3, 1, 2, 4, 8, 5, 6, 7}, 8);
    s = timing_summarise(&t);
    assert_true(fabs(log(s.low) - 1) < 1e-12 && fabs(log(s.high) - 8) < 1e-12);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identical_programs_do_not_win),
        cmocka_unit_test(a_program_at_the_margin_wins_rarely),
        cmocka_unit_test(a_program_twice_as_fast_wins),
        cmocka_unit_test(a_slower_program_stops_early),
        cmocka_unit_test(a_third_faster_mostly_wins),
        cmocka_unit_test(growth_is_the_exponent_with_its_error),
        cmocka_unit_test(a_gain_is_believed_and_explained),
        cmocka_unit_test(the_estimate_is_the_median_of_walsh_averages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
