/* progress.h: what a person sees while a run goes on: one live line on a terminal, plain lines
 * every few seconds elsewhere. */
#ifndef ASSAY_PROGRESS_H
#define ASSAY_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>

#include "verdict.h"

struct progress;

/* NaN (and a negative grade count) means: not known, not shown. */
struct progress_step {
    int step; /* from 1 */
    double loss, reward, pass, length;
    int grades[GRADE_COUNT]; /* of this step */
    double tokens_per_s, verdicts_per_s;
};
#define PROGRESS_STEP_NONE                                                                         \
    ((struct progress_step){.loss = NAN,                                                           \
                            .reward = NAN,                                                         \
                            .pass = NAN,                                                           \
                            .length = NAN,                                                         \
                            .grades = {-1, -1, -1, -1, -1},                                        \
                            .tokens_per_s = NAN,                                                   \
                            .verdicts_per_s = NAN})

struct progress *progress_start(FILE *out);
/* Begins a stage of `total` steps (0: unknown); ends the one before. */
void progress_stage(struct progress *p, const char *name, int total);
void progress_step(struct progress *p, const struct progress_step *s);
/* A line that stays, above the live one. */
__attribute__((format(printf, 2, 3))) void progress_note(struct progress *p, const char *fmt, ...);
void progress_end(struct progress *p);

#endif
