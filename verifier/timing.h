/* timing.h: is the candidate faster than the reference, and does its cost grow more slowly? Pure
 * decisions on paired measurements. */
#ifndef ASSAY_TIMING_H
#define ASSAY_TIMING_H

enum { TIMING_PAIRS_MIN = 2, TIMING_PAIRS_MAX = 40 };
#define TIMING_MARGIN_DEFAULT   1.10
#define TIMING_REFINE_S_DEFAULT 0.35

/* The costs of each pair in any one unit, and what of both went into handing values over, as far as
 * that is known: 0 where it is not. */
struct timing {
    int n;
    double reference[TIMING_PAIRS_MAX], candidate[TIMING_PAIRS_MAX], handed[TIMING_PAIRS_MAX];
};

/* Speed ratios (not logs). `low` is 0 while there are too few pairs for a bound that may be
 * believed, else the highest one so far. */
struct timing_summary {
    double ratio, low, high;
    int pairs;
};

enum timing_next { TIMING_MORE, TIMING_FASTER, TIMING_NOT_FASTER };

/* Costs below 1 count as 1. At most TIMING_PAIRS_MAX pairs. */
void timing_add(struct timing *t, double reference, double candidate, double handed);

/* How much may be taken off the costs of a pair, of which `least` is the lower one: never more than
 * half of that. */
double timing_deduction(double least, double handed);

/* Whether another pair is wanted. TIMING_FASTER: timing_summarise().low is at least `margin`. */
enum timing_next timing_decide(const struct timing *t, double margin);

/* How many pairs in all, more than there are, would make the interval of a program that is faster
 * notably narrower; 0 where it is narrow enough, or no more can be had. */
int timing_narrower(const struct timing *t);

/* What can be said after the pairs so far; at least one pair. */
struct timing_summary timing_summarise(const struct timing *t);

/* How cost grows with size: cost ~ size^exponent, with the exponent's standard error. */
struct timing_growth {
    double exponent, error;
};

/* `n` >= 3 sizes, not all equal, and the cost at each; costs below 1 count as 1. */
struct timing_growth timing_growth(const double *size, const double *cost, int n);

/* By how much the candidate's exponent is lower, as far as that may be believed: two standard errors
 * are taken off, and it is never more than what explains the speed-up `low` (>= 1) over sizes that
 * span a factor of `span` (> 1), nor below 0. See timing.c. */
double timing_gain(struct timing_growth reference, struct timing_growth candidate, double low,
                   double span);

#endif
