/* timing.c: a robust ratio with an interval, when to stop measuring, and the growth of cost.
 *
 * Each pair runs reference and candidate next to each other, so that what disturbs the machine
 * for longer than a pair cancels. On the logs of the ratios the estimate is that of Hodges and
 * Lehmann (1963): the median of all averages of two observations (Walsh averages). Its interval
 * inverts Wilcoxon's signed-rank test (Tukey's construction; Hollander, Wolfe and Chicken,
 * Nonparametric Statistical Methods, 3.2 and 3.4): the k-th smallest Walsh average is a lower
 * bound that is too high with probability P(W <= k-1), W being the signed-rank statistic of n
 * observations whose exact distribution is counted below. Nothing is assumed of the noise but
 * symmetry, which the alternating order of a pair gives; heavy tails do not matter.
 *
 * We look at the data more than once, so each look spends a part of one error budget, fixed
 * beforehand (alpha spending: Slud and Wei 1982, Lan and DeMets 1983; with no use made of the
 * correlation between looks, so that Bonferroni's inequality alone holds it). The looks that can
 * declare "faster" are those of the table below. The first has an error of 1/256, the least that 8
 * pairs can have, and the last the largest of the others, as no more data will come; together they
 * are below 0.01 for a program whose true ratio is just the margin, and far below that for one that is
 * only as fast as the reference.
 *
 * Handing arguments and answer over costs both programs the same, and would pull every ratio toward
 * 1, so it is taken off both. It is measured on the reference, in every pair, and taken off as one
 * figure for all pairs, hardly any of which then comes from the pair itself: the two programs of
 * a pair are still treated alike, and the noise of their ratio is as symmetric as before. Near the
 * margin the figure hardly matters: where it is wrong by a share x of the work, a ratio of 1 stays 1, and
 * one of 1.1 is off by x/10. Still the interval bears it: its low end is the lower of those with
 * nearly the least and nearly the most that handing over took, its high end the higher (of 8
 * pairs the second from either end: the median is not between them once in 14 times; of 40 never).
 * The noise of the pairs needs no such care, as it is seen in the ratios, larger than before by cost
 * over work. That is 2 at the most, because never more than half of the lower cost is taken off:
 * where handing over takes more than the work itself, the ratio stays nearer to 1 than the programs are.
 *
 * Once a program is known to be faster, more pairs only say by how much. They are added up to a
 * look as well, and the highest low end of all looks counts: as the error of each is spent, all of
 * them hold together.
 *
 * Giving up costs no error of that kind, so it is allowed after any pair: whenever an upper bound
 * at TIMING_GIVE_UP lies below the margin, and, as that takes 5 pairs, whenever not one of at least
 * two pairs came within a factor of exp(TIMING_FAR) of it. */
#include "verifier/timing.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { WALSH_MAX = TIMING_PAIRS_MAX * (TIMING_PAIRS_MAX + 1) / 2 };

static const struct look {
    int pairs;
    double error;
} looks[] = {{8, 1.0 / 256}, {10, 1.0 / 1024},          {13, 0.0008}, {17, 0.0008}, {22, 0.0008},
             {30, 0.0008},   {TIMING_PAIRS_MAX, 0.0018}};

static const double TIMING_GIVE_UP = 0.05, TIMING_FAR = 0.3;

/* The logs of an interval's ends that are no farther apart need no more pairs. */
static const double TIMING_NARROW = 0.15;

void timing_add(struct timing *t, double reference, double candidate, double handed)
{
    CHECK(t->n < TIMING_PAIRS_MAX);
    t->reference[t->n] = fmax(reference, 1);
    t->candidate[t->n] = fmax(candidate, 1);
    t->handed[t->n++] = fmax(handed, 0);
}

double timing_deduction(double least, double handed)
{
    return fmin(handed, least / 2);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the log ratios of what is left without `handed`: fills `walsh` with the n(n+1)/2 averages in
 * ascending order and returns their number. */
static int walsh_averages(const struct timing *t, double handed, double walsh[WALSH_MAX])
{
    double log_ratio[TIMING_PAIRS_MAX];
    int m = 0;
    for (int i = 0; i < t->n; i++) {
        double off = timing_deduction(fmin(t->reference[i], t->candidate[i]), handed);
        log_ratio[i] = log((t->reference[i] - off) / (t->candidate[i] - off));
    }
    for (int i = 0; i < t->n; i++)
        for (int j = i; j < t->n; j++)
            walsh[m++] = (log_ratio[i] + log_ratio[j]) / 2;
    qsort(walsh, (size_t)m, sizeof *walsh, ascending);
    return m;
}

static double middle(const double *sorted, int n)
{
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* The averages for both ends of the interval; all are logs. */
struct averages {
    int m;
    double low[WALSH_MAX], high[WALSH_MAX];
};

/* What handing over took, in ascending order. */
static void sort_handed(const struct timing *t, double ret[TIMING_PAIRS_MAX])
{
    memcpy(ret, t->handed, (size_t)t->n * sizeof *ret);
    qsort(ret, (size_t)t->n, sizeof *ret, ascending);
}

static void averages_of(const struct timing *t, struct averages *ret)
{
    double handed[TIMING_PAIRS_MAX];
    sort_handed(t, handed);
    const double least = handed[t->n / 8], most = handed[t->n - 1 - t->n / 8];
    ret->m = walsh_averages(t, least, ret->low);
    if (most > least)
        walsh_averages(t, most, ret->high);
    else
        memcpy(ret->high, ret->low, (size_t)ret->m * sizeof *ret->high);
    for (int i = 0; i < ret->m; i++) {
        double a = ret->low[i], b = ret->high[i];
        ret->low[i] = fmin(a, b);
        ret->high[i] = fmax(a, b);
    }
}

/* The largest k with P(W <= k-1) <= error for n observations: the k-th Walsh average from either
 * end is then a bound with that error. 0: so few observations allow none. Counts the subsets of
 * {1..n} by their sum. */
static int bound_rank(int n, double error)
{
    double count[WALSH_MAX + 1] = {1};
    for (int rank = 1; rank <= n; rank++)
        for (int sum = n * (n + 1) / 2; sum >= rank; sum--)
            count[sum] += count[sum - rank];
    double below = 0, all = ldexp(1, n);
    for (int k = 0;; k++) {
        below += count[k];
        if (below > error * all * (1 + 1e-12))
            return k;
    }
}

/* The look that stopping after n pairs spends: the next one that is due, as those after it are
 * then never taken. */
static const struct look *look_at(int n)
{
    const struct look *l = looks;
    while (l->pairs < n)
        l++;
    return l;
}

enum timing_next timing_decide(const struct timing *t, double margin)
{
    const double wall = log(margin);
    struct averages walsh;
    if (t->n < TIMING_PAIRS_MIN)
        return TIMING_MORE;
    averages_of(t, &walsh);
    int k = bound_rank(t->n, TIMING_GIVE_UP);
    if (walsh.high[walsh.m - 1] < wall - TIMING_FAR || (k > 0 && walsh.high[walsh.m - k] < wall))
        return TIMING_NOT_FASTER;
    const struct look *l = look_at(t->n);
    if (l->pairs == t->n) {
        k = bound_rank(t->n, l->error);
        if (k > 0 && walsh.low[k - 1] >= wall)
            return TIMING_FASTER;
    }
    return t->n == TIMING_PAIRS_MAX ? TIMING_NOT_FASTER : TIMING_MORE;
}

/* The logs of both ends after the pairs so far; of the lower one -INFINITY where there is none. */
static void ends(const struct timing *t, double *ret_low, double *ret_high)
{
    struct averages walsh;
    averages_of(t, &walsh);
    int k = bound_rank(t->n, look_at(t->n)->error);
    *ret_low = k > 0 ? walsh.low[k - 1] : -INFINITY;
    *ret_high = walsh.high[walsh.m - (k > 0 ? k : 1)];
}

struct timing_summary timing_summarise(const struct timing *t)
{
    double handed[TIMING_PAIRS_MAX], all[WALSH_MAX], low, high, ignored;
    CHECK(t->n > 0);
    sort_handed(t, handed);
    int m = walsh_averages(t, middle(handed, t->n), all);
    ends(t, &low, &high);
    for (const struct look *l = looks; l->pairs < t->n; l++) {
        struct timing then = *t;
        double earlier;
        then.n = l->pairs;
        ends(&then, &earlier, &ignored);
        low = fmax(low, earlier);
    }
    const double ratio = fmax(middle(all, m), low);
    return (struct timing_summary){
        .ratio = exp(ratio), .low = exp(low), .high = exp(fmax(high, ratio)), .pairs = t->n};
}

int timing_narrower(const struct timing *t)
{
    double low, high;
    ends(t, &low, &high);
    if (t->n == TIMING_PAIRS_MAX || high - low <= TIMING_NARROW)
        return 0;
    return look_at(t->n + 1)->pairs;
}

struct timing_growth timing_growth(const double *size, const double *cost, int n)
{
    double mean_x = 0, mean_y = 0, xx = 0, xy = 0, rest = 0;
    CHECK(n >= 3);
    for (int i = 0; i < n; i++) {
        mean_x += log(size[i]) / n;
        mean_y += log(fmax(cost[i], 1)) / n;
    }
    for (int i = 0; i < n; i++) {
        double x = log(size[i]) - mean_x;
        xx += x * x;
        xy += x * (log(fmax(cost[i], 1)) - mean_y);
    }
    CHECK(xx > 0);
    double slope = xy / xx;
    for (int i = 0; i < n; i++) {
        double left = log(fmax(cost[i], 1)) - mean_y - slope * (log(size[i]) - mean_x);
        rest += left * left;
    }
    return (struct timing_growth){slope, sqrt(rest / (n - 2) / xx)};
}

/* A program may waste time at the small sizes: its cost then grows more slowly, and nothing is lost at
 * the largest, where the speed-up is measured. So the gain is capped at what explains the speed-up
 * of a program that is as fast as the reference at the smallest size and `low` times as fast at the
 * largest. That much can be feigned, but only by a program that is really so fast. */
double timing_gain(struct timing_growth reference, struct timing_growth candidate, double low,
                   double span)
{
    double gain =
        reference.exponent - candidate.exponent - 2 * hypot(reference.error, candidate.error);
    return fmax(0, fmin(gain, log(low) / log(span)));
}
