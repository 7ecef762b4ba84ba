/* guest.h: the process that runs a model's program, and its parts within the sandbox room. */
#ifndef ASSAY_SANDBOX_GUEST_H
#define ASSAY_SANDBOX_GUEST_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "sandbox/confine.h"
#include "value.h"
#include "wire.h"

enum { GUEST_SOCKET_FD = 3 };

/* Exit statuses of a guest that never got as far as a program, or lost its way; a program can
 * use them too, but then READY was seen. */
enum { GUEST_EXIT_CONFINE = 100, GUEST_EXIT_PYTHON = 98, GUEST_EXIT_PROTOCOL = 99 };

/* Objects that the judge holds by number. A number is given once per object and counted, so that
 * two proxies of one object can be released in any order. */
struct guest_handles {
    PyObject **objects;
    uint32_t *counts;
    uint32_t n, cap;
    PyObject *numbers; /* dict: address -> number */
};

struct guest {
    uint32_t seq;            /* of the question that is being answered: callbacks carry it */
    PyThread_type_lock turn; /* held by the thread that speaks on the socket */
    PyObject *globals;       /* of the program */
    PyObject *lent;          /* dict: the judge's number -> what stands for it here */
    uint32_t foreign;        /* objects without a value that came in so far */
    struct guest_handles handles;
    struct value_hook hook;
    /* This thread's processor time: when LOAD was answered, when the latest question was, and between
     * these two within what it was asked to call. Not the process's clock, which the kernel, once there is
     * a limit of processor time, brings up to date at a tick or a switch only. */
    int64_t loaded_ns, answered_ns, called_ns;
    bool timed; /* or these stay zero */
    /* The latest call's, until the next question: giving large ones up takes time, which is not part
     * of the answer; and a program that kept them would be spared it. */
    PyObject *last_arguments, *last_value;
};

/* A frame as it came in, being read. */
struct guest_frame {
    struct wire_header head;
    uint8_t *payload;
    const uint8_t *at, *end;
};

/* Before any fork, in the keeper: types, and references that no program can rebind. -1 with a
 * Python error set. */
int guest_prepare(void);

/* After the fork, in the child: confine, then answer questions until the judge hangs up. HANDED is
 * answered truly only where `timed`. */
_Noreturn void guest_run(const struct sbx_guest *confine, bool timed);

/* ---- guest_wire.c: frames and the pieces of payloads; these end the process when the judge is
 * gone or speaks another language. */
void guest_take_turn(struct guest *g);
void guest_end_turn(struct guest *g);
void guest_read(struct guest_frame *frame);
void guest_frame_free(struct guest_frame *frame);
void guest_write(uint8_t type, uint32_t seq, struct buf *payload); /* frees the payload */
uint8_t guest_take_u8(struct guest_frame *frame);
uint32_t guest_take_u32(struct guest_frame *frame);
struct str guest_take_name(struct guest_frame *frame);
PyObject *guest_take_value(struct guest *g, struct value_memo *memo, struct guest_frame *frame);
void guest_take_contents(struct guest *g, struct value_memo *memo, struct guest_frame *frame);
void guest_put_name(struct buf *out, struct str name);

/* ---- guest_raise.c: exceptions out and in. */
int guest_put_raised(struct guest *g, struct buf *out); /* the pending error, cleared */
void guest_raise(PyObject *exception);                  /* one that the judge sent; takes it over */

/* ---- guest_object.c: what is no value, both ways. */
int guest_handles_init(struct guest *g);
PyObject *guest_handle(struct guest *g,
                       uint32_t number); /* borrowed; NULL with a Python error set */
void guest_release(struct guest *g, uint32_t number);
bool guest_is_object(
    PyObject *object); /* of a class of the program's that derives from plain data */
int guest_put_object(struct guest *g, PyObject *object, struct buf *out);
bool guest_is_held(struct guest *g, PyObject *object); /* the judge has its number */

/* ---- guest_lent.c: the judge's callables and iterators. */
int guest_lent_prepare(void);
bool guest_lent_number(PyObject *object,
                       uint32_t *ret_number); /* whether it is one of the judge's */
PyObject *guest_lent(struct guest *g, const struct value_foreign *what);

/* ---- guest_operate.c: operators, and coroutines to their ends. */
int guest_operate_prepare(void);
PyObject *guest_operate(uint8_t op, PyObject *operands);
PyObject *guest_await(PyObject *awaitable);
PyObject *guest_next(PyObject *object);

/* ---- guest_library.c: before any fork, where guests may open no file. -1 with a Python error. */
int guest_import_library(void);

/* ---- guest_program.c: loading, and whole programs. */
int guest_program_prepare(void);
PyObject *guest_load(struct guest *g, struct str text);
PyObject *guest_load_aside(struct str text); /* leaves no name and no module */
_Noreturn void guest_main(struct guest *g, uint32_t seq, struct str text);

/* Answers one question, nested or not; the turn is not held. */
void guest_answer(struct guest *g, struct guest_frame *frame);

extern struct guest guest__self;

#endif
