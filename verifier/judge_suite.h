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
#include "verifier/judge_compare.h"

struct judge_case {
    PyObject *args, *kwargs;  /* tuple and dict, or NULL where `call` is the way */
    PyObject *call, *returns; /* code, or NULL */
    PyObject *expected;       /* plain data, or NULL */
    const char *text;         /* of `call`, or NULL */
    const char *raises;       /* exception's name, or NULL */
};

enum judge_checker { CHECK_EXACT, CHECK_TOKENS, CHECK_FLOAT, CHECK_UNORDERED_LINES, CHECK_PYTHON };

struct judge_suite {
    struct node recent; /* in the cache's order of use */
    struct judge_suite *next_in_bucket;
    char *key;
    char *broken; /* why it cannot be used (its own code does not compile, ...), or NULL */
    json_t *json; /* the suite; strings below point into it */
    const char *entry_point, *starter, *reference;
    PyObject *starter_code, *starter_classes; /* NULL without a starter */
    PyObject *shadows; /* builtins that the reference defines anew: the program's; or NULL */
    struct judge_case *cases;
    int n_cases;
    PyObject *tests_code, *site_texts; /* NULL without test source */
    int n_sites;
    bool calls_check;
    json_t *stdio; /* array */
    enum judge_checker checker;
    double checker_tolerance;
    PyObject *checker_code;
    struct judge_compare compare;
    struct limits limits;
    PyObject *timing_setup, *timing_call; /* code, or NULL: not timed */
    double timing_margin;
    bool is_class; /* the entry point is a class: its operators are the program's to answer */
    int total;     /* number of tests, whatever runs */
};

/* Compiles and caches; replaces the least recently used beyond JUDGE_SUITES_MAX. A suite that
 * does not compile is kept as broken: nobody waits for an answer here, its jobs will say so. */
void judge_suite_put(const char *key, json_t *suite);
struct judge_suite *judge_suite_find(const char *key);

/* {"cpu_s", ...} over the defaults; anything malformed keeps its default, as the problem's
 * reader has checked it. */
struct limits judge_limits(const json_t *json);

#endif
