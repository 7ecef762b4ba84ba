/* samples.h: the items to grade: JSON lines of a file (maybe gzipped) or stdin, each checked. */
#ifndef ASSAY_SAMPLES_H
#define ASSAY_SAMPLES_H

#include <jansson.h>
#include <stdbool.h>
#include <zlib.h>

#include "base/err.h"
#include "base/str.h"
#include "problem.h"

enum { SAMPLE_LINE_BYTES_MAX = 64 << 20 };

struct samples {
    gzFile gz;
    char *name;
    long line;
    struct buf text;
    size_t at; /* in text: where the next line begins */
    bool ended;
};

int samples_open(struct samples *s, const char *path, struct err *err);

/* 1 with a new reference in *ret_item and its problem, 0 at the end, or negative: bad JSON, bad
 * keys, unknown task_id. */
int samples_next(struct samples *s, const struct problem_set *set, json_t **ret_item,
                 const struct problem **ret_problem, struct err *err);
void samples_close(struct samples *s);

/* The keys under which an item may have its text: "response", "completion", "solution". */
enum { SAMPLE_KINDS = 3 };
extern const char *const sample_kinds[SAMPLE_KINDS];

/* The text of an item that samples_check has passed. */
struct str samples_text(const json_t *item);

/* The rules for one item, wherever it came from: an object with a known task_id and exactly one of
 * response, completion and solution, all strings. A task_id that is an integer is replaced by its
 * text. Messages begin with `where`. */
int samples_check(json_t *item, const struct problem_set *set, const char *where,
                  const struct problem **ret_problem, struct err *err);

#endif
