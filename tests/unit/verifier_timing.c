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

/* A candidate that is `speed` times as fast, where handing over takes `handed` times its work. What the
 * reference's run tells of that is what its cost has in it, noise and all. */
static int wins_handed(double speed, double handed, double sd, int trials, uint64_t seed,
                       double *ret_pairs)
{
    int won = 0;
    long pairs = 0;
    for (int i = 0; i < trials; i++) {
        struct rng r = rng_make(seed, (uint64_t)i);
        struct timing t = {0};
        enum timing_next next;
        do {
            double of_reference = handed > 0 ? noisy(&r, 1e6 * handed, sd) : 0;
            double of_candidate = handed > 0 ? noisy(&r, 1e6 * handed, sd) : 0;
            timing_add(&t, noisy(&r, 1e6 * speed, sd) + of_reference,
                       noisy(&r, 1e6, sd) + of_candidate, of_reference);
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

static int wins(double speed, double sd, int trials, uint64_t seed, double *ret_pairs)
{
    return wins_handed(speed, 0, sd, trials, seed, ret_pairs);
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

/* Handing over takes half as long as the work, and twice. */
static void taking_it_off_wins_nothing(void **state)
{
    static const double shares[] = {0.5, 2}, sds[] = {0.02, 0.1};
    (void)state;
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        for (size_t j = 0; j < sizeof sds / sizeof *sds; j++) {
            double pairs;
            int same = wins_handed(1, shares[i], sds[j], 500, 111 + 10 * i + j, &pairs);
            int wall = wins_handed(TIMING_MARGIN_DEFAULT, shares[i], sds[j], 500, 211 + 10 * i + j,
                                   &pairs);
            print_message(
                "# handing over %.2f of the work, sd %.2f: %d identical ones and %d at the "
                "margin of 500 win\n",
                shares[i], sds[j], same, wall);
            assert_in_range(same, 0, 4);
            assert_in_range(wall, 0, 12);
        }
}

static void what_is_taken_off_leaves_the_ratio_of_the_work(void **state)
{
    static const double speeds[] = {0.9, 1, 1.3, 2, 5, 20};
    (void)state;
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        int near = 0, inside = 0;
        for (uint64_t seed = 0; seed < 200; seed++) {
            struct rng r = rng_make(seed, 311 + i);
            struct timing t = {0};
            for (int n = 0; n < 8; n++) {
                double of_reference = noisy(&r, 0.8e6, 0.05), of_candidate = noisy(&r, 0.8e6, 0.05);
                timing_add(&t, noisy(&r, 1e6 * speeds[i], 0.05) + of_reference,
                           noisy(&r, 1e6, 0.05) + of_candidate, of_reference);
            }
            struct timing_summary s = timing_summarise(&t);
            near += fabs(log(s.ratio / speeds[i])) < log(1.1);
            inside += s.low <= speeds[i] && speeds[i] <= s.high;
        }
        print_message("# %.1f times as fast: %d of 200 ratios within 10 %%, %d intervals hold it\n",
                      speeds[i], near, inside);
        assert_in_range(near, 190, 200);
        assert_in_range(inside, 195, 200);
    }
}

/* The less is known of handing over, the wider is the interval; and never is more than half of the
 * lower cost taken off. */
static void the_interval_bears_what_is_not_known(void **state)
{
    struct timing known = {0}, vague = {0}, much = {0};
    (void)state;
    for (int i = 0; i < 8; i++) {
        timing_add(&known, 3000, 2000, 1000);
        timing_add(&vague, 3000, 2000, 700 + 600.0 * i / 7);
        timing_add(&much, 3000, 2000, 5000);
    }
    struct timing_summary k = timing_summarise(&known), v = timing_summarise(&vague);
    assert_true(fabs(k.low - 2) < 1e-9 && fabs(k.ratio - 2) < 1e-9 && fabs(k.high - 2) < 1e-9);
    assert_true(v.low < 1.85 && fabs(v.ratio - 2) < 1e-9 && v.high >= k.high);
    assert_true(fabs(timing_summarise(&much).ratio - 2) < 1e-9);
}

/* Once it is decided, more pairs bring the ratio nearer and raise the low end, which never falls and still
 * is no higher than the truth. */
static void more_pairs_narrow_the_interval(void **state)
{
    static const double speeds[] = {1.5, 2, 10};
    enum { TRIALS = 150 };
    (void)state;
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        double off[2] = {0}, width[2] = {0};
        int too_high = 0, pairs = 0;
        for (uint64_t seed = 0; seed < TRIALS; seed++) {
            struct rng r = rng_make(seed, 911 + i);
            struct timing t = {0};
            while (timing_decide(&t, TIMING_MARGIN_DEFAULT) == TIMING_MORE)
                timing_add(&t, noisy(&r, 1e6 * speeds[i], 0.1), noisy(&r, 1e6, 0.1), 0);
            struct timing_summary first = timing_summarise(&t), s = first;
            for (int wanted; (wanted = timing_narrower(&t)) > 0;) {
                assert_in_range(wanted, t.n + 1, TIMING_PAIRS_MAX);
                while (t.n < wanted)
                    timing_add(&t, noisy(&r, 1e6 * speeds[i], 0.1), noisy(&r, 1e6, 0.1), 0);
                double before = s.low;
                s = timing_summarise(&t);
                assert_true(s.low >= before && s.low <= s.ratio && s.ratio <= s.high);
            }
            off[0] += fabs(log(first.ratio / speeds[i])) / TRIALS;
            off[1] += fabs(log(s.ratio / speeds[i])) / TRIALS;
            width[0] += log(s.high / first.low) / TRIALS;
            width[1] += log(s.high / s.low) / TRIALS;
            too_high += s.low > speeds[i];
            pairs += t.n;
        }
        print_message(
            "# %.1f times as fast: off by %.1f %%, then %.1f %%; %.1f pairs; %d of %d low ends "
            "too high\n",
            speeds[i], 100 * off[0], 100 * off[1], (double)pairs / TRIALS, too_high, TRIALS);
        assert_true(off[1] < 0.8 * off[0] && width[1] < width[0]);
        assert_in_range(too_high, 0, TRIALS / 50);
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
        cmocka_unit_test(taking_it_off_wins_nothing),
        cmocka_unit_test(what_is_taken_off_leaves_the_ratio_of_the_work),
        cmocka_unit_test(the_interval_bears_what_is_not_known),
        cmocka_unit_test(more_pairs_narrow_the_interval),
        cmocka_unit_test(growth_is_the_exponent_with_its_error),
        cmocka_unit_test(a_gain_is_believed_and_explained),
        cmocka_unit_test(the_estimate_is_the_median_of_walsh_averages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
