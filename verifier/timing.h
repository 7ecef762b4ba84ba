/* timing.h: is the candidate faster than the reference? A pure decision on paired measurements. */
#ifndef ASSAY_TIMING_H
#define ASSAY_TIMING_H

enum { TIMING_PAIRS_MIN = 5, TIMING_PAIRS_MAX = 25 };
#define TIMING_MARGIN_DEFAULT 1.10

/* Log of (reference cost / candidate cost), one value a pair: positive where the candidate was
 * faster. */
struct timing {
    int n;
    double log_ratio[TIMING_PAIRS_MAX];
};

/* Speed ratios (not logs). `low` is 0 while there are too few pairs for a bound that may be
 * believed. */
struct timing_summary {
    double ratio, low, high;
    int pairs;
};

enum timing_next { TIMING_MORE, TIMING_FASTER, TIMING_NOT_FASTER };

/* Costs in any one unit; values below 1 count as 1. At most TIMING_PAIRS_MAX pairs. */
void timing_add(struct timing *t, double reference, double candidate);

/* Whether another pair is wanted. TIMING_FASTER: timing_summarise().low is at least `margin`. */
enum timing_next timing_decide(const struct timing *t, double margin);

/* What can be said after the pairs so far; at least one pair. */
struct timing_summary timing_summarise(const struct timing *t);

#endif
