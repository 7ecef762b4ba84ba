/* judge_watch.h: no guest holds up its judge: a deadline on everything that happens while a
 * guest's values are about. */
#ifndef ASSAY_JUDGE_WATCH_H
#define ASSAY_JUDGE_WATCH_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* A private BaseException: the current guest is over and test code must unwind. Tests cannot
 * name it. */
extern PyObject *judge_stop;

/* Once, after the interpreter started. */
int judge_watch_init(struct err *err);

/* Opens a window of `soft_ns`. When it ends, waiting system calls return EINTR,
 * judge_watch_expired() turns true and Python code gets judge_stop, again and again until the
 * window is closed. If even that does not end the work within two seconds more, `last_words` (a
 * whole frame, or NULL) is written to `fd` and the process exits. */
void judge_watch_open(int64_t soft_ns, const struct buf *last_words, int fd);
void judge_watch_close(void);
bool judge_watch_expired(void);

#endif
