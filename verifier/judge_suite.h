/* judge_suite.h: a problem's tests, compiled once and kept while its completions come in. */
#ifndef ASSAY_JUDGE_SUITE_H
#define ASSAY_JUDGE_SUITE_H

#include <Python.h>
#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/queue.h"
#include "base/str.h"
#include "problem.h"
#include "verifier/judge_checker.h"
#include "verifier/judge_compare.h"

struct judge_case {
    const json_t *json;       /* as it stands in the suite: its group and its points */
    PyObject *args, *kwargs;  /* tuple and dict, or NULL where `call` is the way */
    PyObject *call, *returns; /* code, or NULL */
    PyObject *expected;       /* plain data, or NULL */
    const char *text;         /* of `call`, or NULL */
    const char *raises;       /* exception's name, or NULL */
    PyObject *element;        /* of `expected`, a list of one, which is right as well; or NULL */
    bool derived;             /* `expected` comes from the reference (judge_derive.h) */
    bool dropped;             /* and its contract refused the input: no test */
};

/* How the timed call uses the program. A single call whose answer is a value hands over the same for
 * every program, and what becomes of its arguments is nobody's business: so nobody looks, and what
 * handing over takes can be told from the work. */
enum timing_form { TIMING_FORM_UNKNOWN, TIMING_FORM_CALL, TIMING_FORM_OTHER };

struct judge_suite {
    struct node recent; /* in the cache's order of use */
    struct judge_suite *next_in_bucket;
    char *key;
    char *broken; /* why it cannot be used (its own code does not compile, ...), or NULL */
    json_t *json; /* the suite; strings below point into it */
    const char *entry_point, *starter, *reference;
    const char *entry_class; /* the entry point may also be a method of it; or NULL */
    PyObject *starter_code, *starter_classes; /* NULL without a starter */
    PyObject *shadows; /* builtins that the reference defines anew: the program's; or NULL */
    struct judge_case *cases;
    int n_cases;
    PyObject *tests_code, *site_texts; /* NULL without test source */
    PyObject *classes; /* set of the names that the test source uses as classes; or NULL */
    int n_sites;
    bool checks_by_calls; /* the source can fail without an assert */
    bool calls_check;
    bool awaits;                /* the test source awaits what it calls */
    bool framework;             /* the sites are test functions (judge_framework.h) */
    json_t *stdio;              /* array */
    bool stop_on_first_failure; /* of the stdio tests */
    struct buf last_words;      /* of the job at hand, empty before the first (judge_grade.c) */
    struct judge_checker checker;
    struct judge_compare compare;
    PyObject *accept;  /* function of (got, expected, *args) that decides instead, or NULL */
    bool found;        /* answers are compared as there or not there */
    PyObject *oracle;  /* the reference with its contract, as a str; or NULL */
    bool underived;    /* some expected answers are still to come from the reference */
    bool uncalibrated; /* and so are the limits (judge_calibrate.h) */
    struct limits limits;
    PyObject *timing_setup, *timing_call; /* code, or NULL: not timed */
    double timing_margin, timing_refine_s;
    long timing_sizes[TIMING_SIZES_MAX]; /* ascending */
    int n_timing_sizes;
    enum timing_form timing_form;
    bool is_class;  /* the starter or the reference defines the entry point as a class */
    int total;      /* number of tests, whatever runs */
    json_t *groups; /* {"name": {"passed": 0, "total"}} of the tests that name one, or NULL */
    double points;  /* of all tests together; 0 when none says what it is worth */
};

/* Compiles and caches; replaces the least recently used beyond JUDGE_SUITES_MAX. A suite that
 * does not compile is kept as broken: nobody waits for an answer here, its jobs will say so. */
void judge_suite_put(const char *key, json_t *suite);
struct judge_suite *judge_suite_find(const char *key);

/* What a test object of the suite is worth. */
double judge_test_points(const json_t *test);

/* {"cpu_s", ...} over the defaults; anything malformed keeps its default, as the problem's
 * reader has checked it. */
struct limits judge_limits(const json_t *json);

#endif
