/* output.h: the verdicts of a grading run, one line each: to stdout, or to a file that appears
 * whole or not at all. */
#ifndef ASSAY_OUTPUT_H
#define ASSAY_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/err.h"

struct output {
    FILE *file;
    char path[PATH_MAX], part[PATH_MAX]; /* path is "" for stdout, a device, a pipe */
    FILE *kept;                          /* --resume: the whole lines that were there already */
    off_t kept_bytes;                    /* of them */
    bool failed;                         /* a line could not be written, or PATH not be named */
    bool dropped;                        /* a PATH.part of an earlier run was emptied */
};

/* `path`: NULL or "-" is stdout; a device or a pipe is written as it is. Otherwise lines go to PATH.part, which output_commit renames.
 * With `resume` the whole lines of a PATH.part that an ended run has left stay, and can be read from
 * ret->kept. -EBUSY while another run writes it. */
int output_open(struct output *ret, const char *path, bool resume, struct err *err);
int output_line(struct output *o, const char *line, struct err *err);
int output_flush(struct output *o, struct err *err);
int output_commit(struct output *o, struct err *err);
/* What was written stays in PATH.part, which goes where that is nothing. Returns whether it stays. */
bool output_leave(struct output *o);

#endif
