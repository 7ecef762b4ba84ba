/* judge_prepare.h: test sources made ready to run: every assert becomes a test site of its own. */
#ifndef ASSAY_JUDGE_PREPARE_H
#define ASSAY_JUDGE_PREPARE_H

#include <Python.h>

/* Once. 0, or -1 with a Python error set. */
int judge_prepare_init(void);

/* (code, names of the classes it defines at top level, all names it binds), new reference. */
PyObject *judge_prepare_starter(const char *source);

/* (code, list of site texts (see judge_prepare_shown), whether it defines `check` and never calls it, set of the names that it
 * uses as classes, whether it awaits what it calls, whether it can fail without an assert). `taken`: names that the starter binds; `reference`
 * and `entry_point` (or NULL): its imports are lent to test code that misses them. */
PyObject *judge_prepare_tests(const char *source, PyObject *taken, const char *reference,
                              const char *entry_point);

/* List of the builtins that a reference defines anew at top level (a problem may ask for a
 * function called `sum`). */
PyObject *judge_prepare_shadows(const char *source);

/* What a failure shows of a site's text, new reference. Made when it is needed: it takes as long as a
 * short test. */
PyObject *judge_prepare_shown(PyObject *text);

/* Code of one expression. */
PyObject *judge_prepare_expression(const char *source, const char *where);

#endif
