/* problem.h: one problem as every part of the verifier sees it, whatever file format it came from. */
#ifndef ASSAY_PROBLEM_H
#define ASSAY_PROBLEM_H

#include <jansson.h>

#include "base/err.h"

struct limits {
    double cpu_s, wall_s;
    int memory_mib, output_kib, threads;
    double
        cpu_times; /* above 0: the reference's CPU time as often as this; cpu_s, wall_s bound it */
};
enum { TIMING_SIZES_MIN = 3, TIMING_SIZES_MAX = 8 }; /* of `timing.sizes` */

#define LIMITS_DEFAULT                                                                             \
    ((struct limits){.cpu_s = 2, .wall_s = 10, .memory_mib = 256, .output_kib = 256, .threads = 16})

struct problem {
    char *id;
    char *prompt;       /* shown to the model */
    char *entry_point;  /* NULL for stdio problems */
    char *starter;      /* shown to the model, placed before its code; "" if none */
    char *prefix;       /* what a `completion` continues (HumanEval's prompt); NULL: the starter */
    json_t *suite;      /* what verifier/judge.h's SUITE carries; never leaves the trusted side */
    char key[33];       /* content hash of `suite`, hex */
    json_t *references; /* array of further sources that must pass */
    json_t *wrong;      /* array of sources that must fail */
    json_t *shown; /* object of what GET /v1/problems may add: tags, level, demonstration, ... */
    struct limits limits;
    char *source; /* "file.yaml:12" for messages */
};

/* An integer beyond 64 bits in test data is an object with this one key, its digits as a string. */
#define PROBLEM_BIG_INTEGER "\uE000integer"

/* All problems of one or more specs, looked up by id. */
struct problem_set {
    struct problem *v;
    int n, cap;
    json_t *by_id;     /* id -> index */
    int *source_first; /* first index of each spec, n_sources + 1 entries */
    int n_sources;
};

/* How a family's `generate:` source is run (by a judge); returns a new array of objects, NULL with *err filled. */
typedef json_t *(*problem_generate)(void *ctx, const char *name, const char *source, json_t *params,
                                    struct err *err);

/* Adds one spec: PATH[?key=value&...], a file (.yaml .yml .json .jsonl, each also .gz, `-` for stdin) or a folder of them. Parameters after `?`
 * go to the family's generator (numbers are parsed as such) and are an error for a file without one.
 * Errors name file, line and key: -EINVAL bad content, -ENOENT, -EEXIST duplicate id. Nothing is added on failure. */
int problems_add(struct problem_set *set, const char *spec, problem_generate generate, void *ctx,
                 struct err *err);
/* Adds one problem from an object of any format that a file may hold (but no family); `name` stands for the file in messages. `wall_s`
 * above 0 becomes its wall and CPU time limit. */
int problems_add_object(struct problem_set *set, const json_t *object, const char *name,
                        double wall_s, struct err *err);
/* By id; MBPP's tasks also by their bare number and in any case of the prefix. NULL: there is none. */
const struct problem *problems_find(const struct problem_set *set, const char *id);
void problems_free(struct problem_set *set);

#endif
