/* judge_framework.h: tests that are a module of unittest or pytest's kind. */
#ifndef ASSAY_JUDGE_FRAMEWORK_H
#define ASSAY_JUDGE_FRAMEWORK_H

#include "verifier/judge_job.h"

/* Once. 0, or -1 with a Python error set. */
int judge_framework_init(void);

/* When a suite with `framework` is read: its tests_code and, as site_texts, the names of its
 * tests. 0, or -1 with a Python error set: not to be judged here. */
int judge_framework_read(struct judge_suite *suite, const char *source);

/* Whether plain test source finds the modules that it imports. 0, or -1 with a Python error set. */
int judge_framework_imports(const char *source);

/* Runs the module in `globals`, then each test. 0, or negative with *err filled when the tests turn
 * out to be such as cannot judge any program; `trying` says that this one is the reference. */
int judge_framework_run(struct judge_job *job, PyObject *globals, bool trying, struct err *err);

#endif
