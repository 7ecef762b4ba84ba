/* interpreter.h: the one way in which assay starts an embedded CPython, in the keeper and in the
 * judge alike, so that a value means the same on both sides. Only Debian's libpython3.11 and its
 * own library folder are used, and what the configuration admits; Python's own environment
 * variables are ignored. */
#ifndef ASSAY_SANDBOX_INTERPRETER_H
#define ASSAY_SANDBOX_INTERPRETER_H

#include "base/err.h"

struct interpreter_options {
    const char *path;    /* more folders for sys.path, colon-separated, or NULL */
    const char *preload; /* more modules to import, comma-separated, or NULL */
};

/* Isolated interpreter with hash seed 0, no site, the common modules imported and frozen out of
 * the collector's sight, value.h ready. The caller holds the GIL afterwards. 0, or a negative
 * errno with the Python error as text. */
int interpreter_start(const struct interpreter_options *options, struct err *err);

/* Options as the verifier hands its configuration to both programs: ASSAY_PYTHON_PATH and
 * ASSAY_PYTHON_PRELOAD in the environment that it makes for them. */
struct interpreter_options interpreter_options_env(void);

/* The pending Python error as "TypeError: text" into *err, cleared. Returns `code`. */
int interpreter_error(struct err *err, int code, const char *doing);

#endif
