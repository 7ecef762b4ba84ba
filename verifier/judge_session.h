/* judge_session.h: private to judge_proxy.c and judge_session.c: building a question and reading
 * its answer. */
#ifndef ASSAY_JUDGE_SESSION_H
#define ASSAY_JUDGE_SESSION_H

#include "verifier/judge_proxy.h"

extern PyTypeObject *judge__proxy_type;

int judge__session_init(void);
uint32_t judge__generation(void); /* of the current guest; 0 when there is none */
bool judge__open_operators(void);

/* A question: begin, put what it carries, ask. put functions return -1 with a Python error set. */
void judge__begin(void);
void judge__put_u8(uint8_t v);
void judge__put_u32(uint32_t v);
int judge__put_name(PyObject *name);
int judge__put_value(PyObject *value);
int judge__put_empty_dict(void);

/* `args`, or a copy in which what has no value of its own but yields some (range, map, dict
 * views, ...) became a list, and a builtin function or type became the guest's own. */
PyObject *judge__plain_args(PyObject *args);

/* The answer; callbacks are served meanwhile. `args`: a tuple whose mutable members are brought
 * up to date, or NULL. */
PyObject *judge__ask(enum wire_question type, PyObject *args);

PyObject *judge__proxy_new(uint32_t number, uint32_t generation);
bool judge__proxy_number(PyObject *object, uint32_t *ret_number);
void judge__release(uint32_t number, uint32_t generation);

#endif
