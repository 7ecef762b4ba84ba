/* judge_calibrate.h: time limits that are relative to the reference on this host. */
#ifndef ASSAY_JUDGE_CALIBRATE_H
#define ASSAY_JUDGE_CALIBRATE_H

#include "base/err.h"
#include "verifier/judge_suite.h"

/* Runs the suite's reference through its tests once and sets the limits from what that took. 0, or
 * negative with *err filled: our fault, to be tried again with the next job, or the problem's, whose
 * reference fails; the suite is `broken` then. */
int judge_calibrate(struct judge_suite *s, struct err *err);

#endif
