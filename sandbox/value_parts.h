/* value_parts.h: private to sandbox/value*.c: messages being written and read. */
#ifndef ASSAY_SANDBOX_VALUE_PARTS_H
#define ASSAY_SANDBOX_VALUE_PARTS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "base/check.h"
#include "value.h"
#include "wire.h"

enum {
    FRACTION_BYTES_MAX = 8 << 10, /* reducing a fraction is quadratic in its size */
    DECIMAL_BYTES_MAX = 1 << 20,
    PATTERN_BYTES_MAX = 16 << 10,
};

struct value_writer {
    struct buf *out;
    const struct value_hook *hook;
    struct value_memo *memo;
    size_t first, bytes_max;
    uint32_t nodes;
    int depth; /* where the hook's object is */
};

/* ---- value_write.c ---- */
int value__room(struct value_writer *w, size_t more);
int value__put_raw(struct value_writer *w, uint8_t tag, const void *bytes, size_t n);
int value__put_sized(struct value_writer *w, uint8_t tag, const void *bytes, size_t n);
int value__put_kind(struct value_writer *w, uint8_t kind);
int value__put_text(struct value_writer *w, uint8_t tag, PyObject *text);
int value__put_int(struct value_writer *w, PyObject *o);
int value__put(struct value_writer *w, PyObject *o, int depth);
/* A new list: encoded and released. NULL (with a Python error) is -EINVAL. */
int value__put_new(struct value_writer *w, PyObject *fresh, int depth);

struct value_reader {
    const uint8_t *at, *end;
    const struct value_hook *hook;
    struct value_memo *memo;
    uint32_t nodes, as; /* as: the number of the container that is read next, NEW_CONTAINER */
    int code;           /* why the last read failed */
};
enum { NEW_CONTAINER = UINT32_MAX };

/* ---- value_read.c ---- */
PyObject *value__bad(struct value_reader *r, int code); /* NULL; the first code stays */
const uint8_t *value__take(struct value_reader *r, size_t n);
const uint8_t *value__take_sized(struct value_reader *r, uint32_t *ret_n);
PyObject *value__get_int(struct value_reader *r, uint8_t tag, uint32_t bytes_max);
PyObject *value__get(struct value_reader *r, int depth);
bool value__keys_spread(PyObject *flat, Py_ssize_t step); /* every step-th item is a key */
/* `made` (stolen, may be NULL) if it has n members, as what a guest has sent must; else NULL. */
PyObject *value__distinct(const struct value_reader *r, PyObject *made, Py_ssize_t n);

/* ---- value_memo.c ---- */
bool value__memo_find(struct value_memo *m, PyObject *o, uint32_t *ret_number);
uint32_t value__memo_add(struct value_memo *m, PyObject *o); /* NULL: of a container being read */
void value__memo_shrink(struct value_memo *m, uint32_t n);

/* ---- value_module.c: types of modules; writing gives -ENOTSUP when `o` is none of them. */
int value__module_init(void);
int value__put_module(struct value_writer *w, PyObject *o, int depth);
PyObject *value__get_decimal(struct value_reader *r);
PyObject *value__get_fraction(struct value_reader *r);
PyObject *value__get_datetime(struct value_reader *r);

/* ---- value_kind.c ---- */
int value__kind_init(void);
int value__put_kinds(struct value_writer *w, PyObject *o, int depth);
int value__dict_kind(PyObject *dict); /* of exactly that type of collections; 0 none */
bool value__is_deque(PyObject *o);
bool value__is_array(PyObject *o);
int value__put_deque(struct value_writer *w, PyObject *o, int depth);
int value__put_array(struct value_writer *w, PyObject *o);
int value__put_named_tuple(struct value_writer *w, PyObject *o, int depth); /* -ENOTSUP: plain */
PyObject *value__get_kind(struct value_reader *r, uint32_t number, int depth);
PyObject *value__new_dict(int kind, PyObject *factory);
int value__fill(PyObject *dict, PyObject *flat);

/* ---- value_raise.c ---- */
int value__raise_init(void);
int value__put_type(struct value_writer *w, PyObject *o, int depth); /* -ENOTSUP: not by name */
int value__put_exception(struct value_writer *w, PyObject *o, int depth);
PyObject *value__get_builtin(struct value_reader *r);
PyObject *value__get_exception_class(struct value_reader *r, int depth);
PyObject *value__get_exception(struct value_reader *r, int depth);

#endif
