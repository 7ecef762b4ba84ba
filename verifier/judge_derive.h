/* judge_derive.h: expected answers that the problem leaves to its reference. */
#ifndef ASSAY_JUDGE_DERIVE_H
#define ASSAY_JUDGE_DERIVE_H

#include "verifier/judge_job.h"

/* Once. 0, or -1 with a Python error set. */
int judge_derive_init(void);

/* When a suite is read: its cases' arguments in their true types, and the program that will
 * answer. 0, or -1 with a Python error set. */
int judge_derive_read(struct judge_suite *suite);

/* Before a suite's first program: runs the reference in a guest and keeps its answers. 0, or
 * negative with *err filled: our fault, or the problem's, which is then broken for good. */
int judge_derive(struct judge_suite *suite, struct err *err);

/* What the problem's own accept(got, expected, *args) says of an answer: 1, 0, or -1 with a
 * Python error set. */
int judge_accepts(const struct judge_suite *suite, const struct judge_case *c, PyObject *got,
                  PyObject *want);

#endif
