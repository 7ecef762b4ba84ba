/* judge_proxy.h: the guest's objects as Python objects of the judge, and the judge's objects as
 * the guest's.
 *
 * There is one session at a time: a guest, the handles it gave out, and the callables lent to
 * it. Every function here that fails leaves a Python error set: the exception that the program
 * raised (of the same builtin or library class, or of a class made up for the program's own below
 * its bases), or judge_stop when the guest is over or our own fault struck. */
#ifndef ASSAY_JUDGE_PROXY_H
#define ASSAY_JUDGE_PROXY_H

#include <Python.h>
#include <stdbool.h>

#include "verifier/judge_guest.h"

/* Exceptions of ours: the guest could not encode what it wanted to answer; the second, below the
 * first, for its size. */
extern PyObject *judge_refused, *judge_too_large;

/* Once. 0, or -1 with a Python error set. */
int judge_proxy_init(void);

/* From here on all proxies speak to `guest`. */
void judge_session_begin(struct judge_guest *guest);
void judge_session_end(void);
bool judge_session_live(void);

/* Where exceptions and named tuples of the test's own kind are looked up (borrowed until the
 * session ends). */
void judge_session_globals(PyObject *globals);

/* Whether the test code at hand awaits the program's coroutines; otherwise a call of an async
 * function is what it comes to. */
void judge_session_awaits(bool awaits);

/* Whether what the program does to mutable arguments is of no interest, so that nobody looks. */
void judge_session_keep_args(bool keep);

/* Processor time in ns that the guest says it took, since the text was loaded, to hand over arguments and
 * answers; -1 with a Python error set. To be believed where the text is trusted. */
int64_t judge_handed_ns(void);

/* Runs a program text in the guest. 0, or -1. */
int judge_load(const char *text, size_t len, uint8_t flags);

/* The program's global, a new reference; Py_None with *ret_missing set where there is none. */
PyObject *judge_global(const char *name, bool *ret_missing);

/* Calls a proxy. Mutable arguments are brought up to date unless `keep_args`. `kwargs` may be
 * NULL. */
PyObject *judge_call(PyObject *proxy, PyObject *args, PyObject *kwargs, bool keep_args);

bool judge_is_handle(PyObject *object);

/* The answer to the next question may be a StopIteration of the program's: it ends no loop of ours. */
void judge_let_stop(bool allowed);

/* The stored value of a handle whose class derives from plain data; NULL without an error when it
 * has none. */
PyObject *judge_stored(PyObject *proxy);

/* The problem itself speaks of this global as a class: its objects' operators may be asked where
 * the test makes such objects (see judge_proxy.c). Nothing happens to what is no class. */
void judge_vouch(PyObject *proxy);

/* The global is a class that the starter defines, and `class` is the judge's own of it, which
 * decides comparisons. */
void judge_stand_in(PyObject *proxy, PyObject *class);

/* The line of the program from which the latest exception of the guest came; 0 unknown. */
uint32_t judge_raised_line(void);

#endif
