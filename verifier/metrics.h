/* metrics.h: what the server counts, and how Prometheus reads it. */
#ifndef ASSAY_METRICS_H
#define ASSAY_METRICS_H

#include "base/str.h"
#include "report.h"
#include "signs.h"

enum { HISTOGRAM_BUCKETS = 15, METRICS_ROUTES_MAX = 16 };

/* Seconds; the last count is of those above all bounds. */
struct histogram {
    long counts[HISTOGRAM_BUCKETS + 1];
    double sum;
};
void histogram_add(struct histogram *h, double seconds);

/* Appends the lines of one histogram; `labels` is "" or `key="value"`. */
void histogram_write(const struct histogram *h, const char *name, const char *labels,
                     struct buf *out);

struct metrics {
    struct tally tally;
    struct histogram verdict, cpu, routes[METRICS_ROUTES_MAX]; /* routes as in server_routes */
    long faults /* of ours, where there is no verdict to say so */;
    long requests, answers[6] /* by status / 100 */, refused, cancelled, deadlines;
    long reloads, reload_failures;
    long signs[SIGNS_MAX][2]; /* of programs that failed, that passed */
    uint32_t isolation; /* enum sbx_isolation bits of the program that ran last; 0: none did */
};

/* Counts a verdict that came after `seconds`, and the signs in its item's text. */
void metrics_verdict(struct metrics *m, const json_t *item, const json_t *verdict, double seconds);

struct server;
void metrics_write(const struct server *s, struct buf *out);

#endif
