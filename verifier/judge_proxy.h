/* judge_proxy.h: the guest's objects as Python objects of the judge, and the judge's objects as
 * the guest's.
 *
 * There is one session at a time: a guest, the handles it gave out, and the callables lent to
 * it. Every function here that fails leaves a Python error set: the exception that the program
 * raised (as the same builtin type, or as a made-up subclass of its nearest builtin base), or
 * judge_stop when the guest is over or our own fault struck. */
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

/* From here on all proxies speak to `guest`. `open_operators`: the problem is about a class, so
 * operators and `in` on its objects are the program's to answer (see judge_proxy.c). */
void judge_session_begin(struct judge_guest *guest, bool open_operators);
void judge_session_end(void);
bool judge_session_live(void);

/* Where exceptions of the test's own kind are looked up (borrowed until the session ends). */
void judge_session_globals(PyObject *globals);

/* Runs a program text in the guest. 0, or -1. */
int judge_load(const char *text, size_t len, uint8_t flags);

/* The program's global, a new reference; Py_None with *ret_missing set where there is none. */
PyObject *judge_global(const char *name, bool *ret_missing);

/* Calls a proxy. Mutable arguments are brought up to date unless `keep_args`. `kwargs` may be
 * NULL. */
PyObject *judge_call(PyObject *proxy, PyObject *args, PyObject *kwargs, bool keep_args);

bool judge_is_handle(PyObject *object);

/* The line of the program from which the latest exception of the guest came; 0 unknown. */
uint32_t judge_raised_line(void);

#endif
