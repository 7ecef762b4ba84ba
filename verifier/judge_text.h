/* judge_text.h: between Python objects, JSON and text for people. */
#ifndef ASSAY_JUDGE_TEXT_H
#define ASSAY_JUDGE_TEXT_H

#include <Python.h>
#include <jansson.h>

#include "base/err.h"
#include "base/str.h"

/* New reference, NULL with a Python error set. */
PyObject *judge_from_json(const json_t *json);

/* New json, or NULL with *err filled: only what JSON can hold, integers of 64 bits. */
json_t *judge_to_json(PyObject *object, struct err *err);

/* The functions below leave a pending Python error as it is. */

/* A repr of plain data that costs no more than what is shown: at most JUDGE_TEXT_BYTES_MAX. JSON
 * null for NULL. */
json_t *judge_show(PyObject *object);

/* A JSON string of foreign bytes, cut to `max`; what is not UTF-8 is replaced. */
json_t *judge_json_text(struct str text, size_t max);

/* The pending Python error as "TypeError: text". */
void judge_error_text(struct buf *out);

#endif
