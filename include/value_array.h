/* value_array.h: numpy's arrays and scalars as bytes and back, where the configuration preloads
 * numpy in judge and keeper (sandbox/value_array.c). Without numpy nothing is an array. */
#ifndef ASSAY_VALUE_ARRAY_H
#define ASSAY_VALUE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef struct _object PyObject;

/* Once per process, after the preloaded modules. 0, or -1 with a Python error set. */
int value_array_init(void);

/* An ndarray, or a scalar of numpy's own: np.str_ and np.bytes_ are str and bytes enough. */
bool value_array_is(PyObject *object);

/* Appends the payload of an array: base data only, of a subclass too. 0; -ENOTSUP an array of
 * objects, records, dates or of another byte order; -E2BIG. No Python error is left set. */
int value_array_write(PyObject *object, size_t bytes_max, struct buf *out);

/* New reference, or NULL with a Python error set. */
PyObject *value_array_read(const uint8_t *bytes, size_t n);

/* As lists and numbers of Python's own. New reference, or NULL with a Python error set. */
PyObject *value_array_plain(PyObject *object);

#endif
