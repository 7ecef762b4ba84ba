/* judge_session.h: private to judge_proxy.c, judge_operators.c, judge_lend.c and judge_session.c:
 * asking the guest and reading its answers. */
#ifndef ASSAY_JUDGE_SESSION_H
#define ASSAY_JUDGE_SESSION_H

#include "value.h"
#include "verifier/judge_proxy.h"

/* What stands for an object that never leaves the guest. */
struct proxy {
    PyObject_HEAD uint32_t number, generation;
    uint8_t flags;     /* enum handle_flag, as the guest says */
    uint8_t standing;  /* enum standing, as we know */
    PyObject *starter; /* the judge's own class that it is, or is an object of; or NULL */
};

/* See judge_proxy.c. */
enum standing {
    STANDING_VOUCHED = 1, /* a class that the test itself speaks of as one */
    STANDING_OPEN = 2,    /* an object that the test made of such a class */
    STANDING_TAINTED = 4, /* has taken in a value of the test's */
    STANDING_STEP = 8,    /* a method that ends with StopIteration */
};

int judge__session_init(void);
uint32_t judge__generation(void); /* of the current guest; 0 when there is none */
void judge__speak_of_class(void); /* a class was vouched for in this session */
bool judge__speaks_of_classes(void);
bool judge__awaits(void);     /* test code awaits the program's coroutines itself */
bool judge__keeps_args(void); /* judge_session_keep_args */

/* put functions return -1 with a Python error set; the payload is freed then. */
void judge__put_u8(struct buf *q, uint8_t v);
void judge__put_u32(struct buf *q, uint32_t v);
int judge__put_name(struct buf *q, PyObject *name);
int judge__put_value(struct buf *q, PyObject *value, struct value_memo *memo);

/* Sends the question, frees it, and gives the answer; callbacks are served meanwhile. `memo`: the
 * containers of the question, which are brought up to date and which the answer may name; or NULL. */
PyObject *judge__ask(enum wire_question type, struct buf *q, struct value_memo *memo);

/* Ends the guest for breaking the rules; NULL with judge_stop set. */
PyObject *judge__broken(enum reason reason, const char *why);

PyObject *judge__proxy_new(const struct value_foreign *what, uint32_t generation);
bool judge__proxy_number(PyObject *object, uint32_t *ret_number);
void judge__release(uint32_t number, uint32_t generation);

/* Objects made by the test of a class that the starter defines, by number: class borrowed or NULL. */
PyObject *judge__starter_class(uint32_t number);
int judge__keep_starter_object(PyObject *proxy);

/* Steals `operands`, a tuple or NULL with an error set. */
PyObject *judge__operate(enum guest_operator op, uint8_t wants, PyObject *operands);

/* ---- judge_lend.c ---- */
extern const struct value_hook judge__hook;
int judge__lend_init(void);
void judge__lend_clear(void);
PyObject *judge__lent(uint32_t number); /* borrowed, NULL: there is none */
bool judge__lend_met_foreign(bool reset);
PyObject *judge__run_coroutine(PyObject *coroutine);
/* A list of one item, or of up to as many as `args` says where the test cannot tell the difference. */
PyObject *judge__next_items(PyObject *iterator, PyObject *args);

/* ---- judge_operators.c: slots of the proxy's type. */
PyObject *judge__binary(enum guest_operator op, PyObject *a, PyObject *b);
extern PyType_Slot judge__operator_slots[];
extern PyMethodDef judge__operator_methods[];

#endif
