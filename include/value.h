/* value.h: Python objects to bytes and back, in C, on both sides of the guest's socket (sandbox/value.c).
 *
 * The encoder trusts nothing an object says about itself: it reads the exact type, or for a subclass of a plain type the
 * value stored in the base (PyLong/PyFloat/PyList_GET_ITEM ..., never a method of the object). Whatever is not plain data goes
 * through `hook`. Depth, node count and bytes are capped on both sides. Tags: wire.h enum value_tag. */
#ifndef ASSAY_VALUE_H
#define ASSAY_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef struct _object PyObject;

enum { VALUE_DEPTH_MAX = 200, VALUE_NODES_MAX = 4 << 20 };

/* How to write an object that is not plain data: append a HANDLE or CALLABLE tag and return 0, or a negative errno. */
struct value_hook {
    int (*encode)(void *ctx, PyObject *object, struct buf *out);
    PyObject *(*decode)(void *ctx, uint8_t tag,
                        uint32_t number); /* new reference, NULL with a Python error set */
    void *ctx;
};

/* Once per process, GIL held: imports decimal, fractions, datetime types. 0, or -1 with a Python error set. */
int value_init(void);

/* Appends the encoding of `object`. 0; -ELOOP too deep; -E2BIG too many nodes or bytes (> bytes_max); -EINVAL the hook is NULL or
 * refused. No Python error is left set. On failure `out` may hold a partial value: the caller truncates it. */
int value_encode(PyObject *object, const struct value_hook *hook, size_t bytes_max,
                 struct buf *out);

/* Decodes one value from *at .. end and advances *at. New reference; NULL with errno-like *ret_code (negative) on malformed bytes. */
PyObject *value_decode(const uint8_t **at, const uint8_t *end, const struct value_hook *hook,
                       int *ret_code);

#endif
