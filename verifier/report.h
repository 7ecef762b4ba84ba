/* report.h: counts of verdicts, and what is said about them while they come in and at the end. */
#ifndef ASSAY_REPORT_H
#define ASSAY_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "verdict.h"

/* How JSON for people and programs is written: one line, and 0.1 as 0.1. */
#define REPORT_JSON (JSON_COMPACT | JSON_REAL_PRECISION(12))

struct tally {
    long n, infra, cached, grades[GRADE_COUNT], reasons[REASON_COUNT];
};

void tally_add(struct tally *t, const json_t *verdict);
const char *grade_name(enum grade g);
const char *reason_name(enum reason r); /* NULL for REASON_NONE */

enum { PASS_K_MAX = 16 };

struct report {
    struct tally tally;
    long total; /* expected, -1 unknown */
    bool terminal;
    int64_t started_ns, said_ns;
    json_t *tasks;  /* task_id -> [verdicts that are not infra, correct ones] */
    json_t *groups; /* name -> {task_id -> verdicts that pass all tests of that group} */
    int k[PASS_K_MAX], n_k;
};

/* `k`: "1,10" */
int report_init(struct report *r, const char *k, long total, struct err *err);
void report_add(struct report *r, const json_t *verdict);
void report_progress(struct report *r, bool force); /* on stderr, now and then */
void report_summary(struct report *r, FILE *out);
void report_free(struct report *r);

/* Chance that k draws without replacement from n verdicts, c of them correct, hold a correct one.
 * n >= k > 0. */
double pass_at_k(long n, long c, long k);

#endif
