/* judge_mirror.h: objects of the starter's classes cross by value. */
#ifndef ASSAY_JUDGE_MIRROR_H
#define ASSAY_JUDGE_MIRROR_H

#include "verifier/judge_job.h"

/* Once. 0, or -1 with a Python error set. */
int judge_mirror_init(void);

/* Whether this suite's starter defines classes of objects that are passed to the entry point. */
bool judge_mirrors(const struct judge_suite *suite);

/* What test code calls as the entry point, a new reference: `entry` itself, or a wrapper that
 * passes objects of the starter's classes (as `globals` has them) there and back. NULL with a
 * Python error set. */
PyObject *judge_mirror(struct judge_job *job, PyObject *globals, PyObject *entry);

#endif
