/* timing.c: a robust ratio with an interval, and when to stop measuring.
 *
 * Each pair runs reference and candidate next to each other, so that what disturbs the machine
 * for longer than a pair cancels. On the logs of the ratios the estimate is Hodges and
 * Lehmann's: the median of all averages of two observations (Walsh averages). Its interval
 * inverts Wilcoxon's signed-rank test: the k-th smallest Walsh average is a lower bound that is
 * too high with probability P(W <= k-1), W being the signed-rank statistic of n observations
 * whose exact distribution is counted below. Nothing is assumed of the noise but symmetry, which
 * the alternating order of a pair gives; heavy tails do not matter.
 *
 * We look at the data more than once, so each look spends a part of one error budget
 * (Bonferroni, as in group sequential trials). The looks that can declare "faster" are at 8, 12,
 * 16, 20 and 25 pairs, with one-sided errors of 1/256 (the least that 8 pairs can have), 0.001
 * three times and 0.003 at the last, where no more data will come: together below 0.01 for a
 * program whose true ratio is just the margin, and far below for one that is only as fast as the
 * reference. Giving up costs no error of that kind, so it is allowed from TIMING_PAIRS_MIN on,
 * whenever an upper bound at TIMING_GIVE_UP lies below the margin. */
#include "verifier/timing.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"

enum { WALSH_MAX = TIMING_PAIRS_MAX * (TIMING_PAIRS_MAX + 1) / 2 };

static const struct look {
    int pairs;
    double error;
} looks[] = {{8, 1.0 / 256}, {12, 0.001}, {16, 0.001}, {20, 0.001}, {TIMING_PAIRS_MAX, 0.003}};

static const double TIMING_GIVE_UP = 0.05;

void timing_add(struct timing *t, double reference, double candidate)
{
    CHECK(t->n < TIMING_PAIRS_MAX);
    t->log_ratio[t->n++] = log(fmax(reference, 1)) - log(fmax(candidate, 1));
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Fills `walsh` with the n(n+1)/2 averages in ascending order and returns their number. */
static int walsh_averages(const struct timing *t, double walsh[WALSH_MAX])
{
    int m = 0;
    for (int i = 0; i < t->n; i++)
        for (int j = i; j < t->n; j++)
            walsh[m++] = (t->log_ratio[i] + t->log_ratio[j]) / 2;
    qsort(walsh, (size_t)m, sizeof *walsh, ascending);
    return m;
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
    double walsh[WALSH_MAX], wall = log(margin);
    if (t->n < TIMING_PAIRS_MIN)
        return TIMING_MORE;
    int m = walsh_averages(t, walsh);
    int k = bound_rank(t->n, TIMING_GIVE_UP);
    if (k > 0 && walsh[m - k] < wall)
        return TIMING_NOT_FASTER;
    const struct look *l = look_at(t->n);
    if (l->pairs == t->n) {
        k = bound_rank(t->n, l->error);
        if (k > 0 && walsh[k - 1] >= wall)
            return TIMING_FASTER;
    }
    return t->n == TIMING_PAIRS_MAX ? TIMING_NOT_FASTER : TIMING_MORE;
}

struct timing_summary timing_summarise(const struct timing *t)
{
    double walsh[WALSH_MAX];
    CHECK(t->n > 0);
    int m = walsh_averages(t, walsh);
    int k = bound_rank(t->n, look_at(t->n)->error);
    double middle = m % 2 ? walsh[m / 2] : (walsh[m / 2 - 1] + walsh[m / 2]) / 2;
    return (struct timing_summary){
        .ratio = exp(middle),
        .low = k > 0 ? exp(walsh[k - 1]) : 0,
        .high = exp(walsh[k > 0 ? m - k : m - 1]),
        .pairs = t->n,
    };
}
