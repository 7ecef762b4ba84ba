/* check.h: `assay check`: what is run for one problem of a set, and what is found.
 *
 * command_check.c takes the problems in order, a bounded number at a time. check_row.c runs one: its
 * solutions first, several times, and if the reference holds, what should fail. check_set.c compares
 * problems with those before them. check_print.c says it all. */
#ifndef ASSAY_CHECK_H
#define ASSAY_CHECK_H

#include <stdbool.h>

#include "job.h"

/* A note is worth knowing, a warning worth a look (and an error with --strict), an error makes the
 * problem fail its check. */
enum check_level { CHECK_NOTE, CHECK_WARNING, CHECK_ERROR };

enum { CHECK_KINDS = 12 };
extern const char *const check_kinds[CHECK_KINDS]; /* "leak", "flaky", ... */

struct check_options {
    int repeat, mutants;
    double score_min; /* share of mutants that must die, 0: any */
    bool strict;
    bool allowed[CHECK_KINDS]; /* findings of these kinds are notes */
};

struct check_row {
    const struct check_options *options;
    struct grader *grader;
    const struct problem *problem;
    void (*done)(struct check_row *r);
    struct problem short_lived; /* the problem with tighter limits, for what should fail */
    struct task inspect;
    json_t *found;    /* of the judge's "inspect", or NULL */
    int left;         /* answers still to come */
    bool second;      /* the programs that should fail have been begun */
    int passed, runs; /* of the reference */
    json_t *first;    /* its first verdict */
    double cpu_ms;    /* of its slowest run, one guest's share */
    double wall_ms;
    int others, others_passed, wrong, wrong_caught, mutants, killed;
    long programs; /* verdicts so far */
    char infra[300];
    json_t *findings; /* [{"level","kind","message", ...}] */
    enum check_level worst;
};

/* Begins with a zeroed row; `done` comes once, from the loop or before this returns. */
void check_row_begin(struct check_row *r, struct grader *g, const struct problem *p,
                     const struct check_options *o, void (*done)(struct check_row *));
void check_row_free(struct check_row *r);

/* Adds a finding; the object is given back for more keys. */
json_t *check_find(struct check_row *r, enum check_level level, const char *kind, const char *fmt,
                   ...) __attribute__((format(printf, 4, 5)));

/* What the problems before this one were, to find them again. */
struct check_set {
    json_t *prompts, *tests, *shapes; /* text -> id */
};
void check_set_open(struct check_set *s);
void check_set_add(struct check_set *s, struct check_row *r);
void check_set_close(struct check_set *s);

/* One problem: a line and its findings below it, or one JSON object. */
const char *check_status(const struct check_row *r); /* "ok", "warn", "FAIL" or "INFRA" */
/* `width`: of the column of ids. */
void check_print(const struct check_row *r, int width, bool verbose);
void check_print_json(const struct check_row *r);

#endif
