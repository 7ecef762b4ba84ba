/* output.h: the verdicts of a grading run, one line each: to stdout, or to a file that appears
 * whole or not at all. */
#ifndef ASSAY_OUTPUT_H
#define ASSAY_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"

struct output {
    FILE *file;
    char path[PATH_MAX], part[PATH_MAX]; /* path is "" for stdout, a device, a pipe */
    struct buf kept;                     /* --resume: the whole lines that were there already */
    bool failed;                         /* a line could not be written, or PATH not be named */
};

/* `path`: NULL or "-" is stdout; a device or a pipe is written as it is. Otherwise lines go to PATH.part, which output_commit renames.
 * With `resume` the whole lines of a PATH.part that an ended run has left stay, and are in
 * ret->kept. -EBUSY while another run writes it. */
int output_open(struct output *ret, const char *path, bool resume, struct err *err);
int output_line(struct output *o, const char *line, struct err *err);
int output_flush(struct output *o, struct err *err);
int output_commit(struct output *o, struct err *err);
void output_discard(struct output *o); /* nothing was written */
void output_leave(struct output *o);   /* what was written stays in PATH.part */

#endif
