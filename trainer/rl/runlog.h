/* runlog.h: the run folder: recipe.yaml, metrics.jsonl (and the same for TensorBoard),
 * completions/step_N.jsonl, and whatever the run adds. */
#ifndef ASSAY_RUNLOG_H
#define ASSAY_RUNLOG_H

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"

struct runlog;

enum runlog_mode {
    RUNLOG_NEW,       /* the folder must not exist, or be empty */
    RUNLOG_OVERWRITE, /* a former run's files are removed; any other folder is refused */
    RUNLOG_RESUME,    /* metrics are appended to; files that were half written are removed */
};

/* -EEXIST (-ENOENT) when the folder's state does not fit `mode`. Writes nothing. */
int runlog_check(const char *dir, enum runlog_mode mode, struct err *err);
/* `recipe` becomes recipe.yaml, which is what makes a folder a run's: it is written before anything
 * else. Nothing is written where runlog_check fails. */
int runlog_open(const char *dir, enum runlog_mode mode, struct str recipe, struct runlog **ret,
                struct err *err);
void runlog_close(struct runlog *r);
/* dir/name, valid until runlog_close. */
const char *runlog_path(struct runlog *r, const char *name);

/* A whole file (temporary, fsync, rename). */
int runlog_file(struct runlog *r, const char *name, struct str text, struct err *err);
int runlog_json(struct runlog *r, const char *name, const json_t *json, struct err *err);
/* One line of metrics.jsonl and one event, flushed: {"stage","step", ...}; takes over `line`. NaN cannot be
 * written: leave such keys out. */
int runlog_metrics(struct runlog *r, json_t *line, struct err *err);
/* Appends the lines of dir/metrics.jsonl; a last one without its newline (a killed run's) is left out. */
int runlog_lines(const char *dir, json_t *list, struct err *err);
/* Puts metrics.jsonl on the disk; *ret_bytes: its size. */
int runlog_sync(struct runlog *r, long *ret_bytes, struct err *err);
/* One line of completions/step_N.jsonl: {"prompt","completion","verdict","rewards","advantage"};
 * takes over `line`. */
int runlog_completion(struct runlog *r, int step, json_t *line, struct err *err);

#endif
