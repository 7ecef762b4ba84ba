/* Any bytes as a value. Without hooks, whatever is accepted must encode again, and to a fixed point.
 * With them, handles, callables and exception classes are accepted too. The same bytes are also
 * taken for the new contents of a few containers that are at hand. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "base/check.h"
#include "base/str.h"
#include "sandbox/interpreter.h"
#include "value.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int put_any(void *ctx, PyObject *object, struct value_writer *w)
{
    (void)ctx, (void)object;
    return value_put_foreign(w, VALUE_HANDLE, 7, HANDLE_CLASS, NULL);
}

/* A cell is no plain data, so it comes back to the hook. */
static PyObject *get_any(void *ctx, const struct value_foreign *what)
{
    (void)ctx;
    return PyCell_New(what->about);
}

static PyObject *make_class(void *ctx, PyObject *theirs, PyObject *module, PyObject *name,
                            PyObject *bases)
{
    (void)ctx, (void)theirs, (void)module;
    return PyObject_CallFunction((PyObject *)&PyType_Type, "OO{}", name, bases);
}

static void without_hooks(const uint8_t *data, size_t size)
{
    const uint8_t *at = data;
    int code = 0;
    PyObject *value = value_decode(&at, data + size, NULL, &code);
    CHECK(!PyErr_Occurred());
    if (!value) {
        CHECK(code < 0 && at == data);
        return;
    }
    CHECK(at > data && at <= data + size);
    struct buf once = {0}, twice = {0};
    CHECK(value_encode(value, NULL, 64 << 20, &once) == 0);
    Py_DECREF(value);
    at = (const uint8_t *)once.s;
    value = value_decode(&at, at + once.len, NULL, &code);
    CHECK(value && at == (const uint8_t *)once.s + once.len);
    CHECK(value_encode(value, NULL, 64 << 20, &twice) == 0);
    CHECK(twice.len == once.len);
    Py_DECREF(value);
    buf_free(&once);
    buf_free(&twice);
}

static void with_hooks(const uint8_t *data, size_t size, bool is_judge)
{
    const struct value_hook hook = {
        .encode = put_any, .decode = get_any, .exception_class = make_class, .is_judge = is_judge};
    const uint8_t *at = data;
    int code = 0;
    PyObject *value = value_decode(&at, data + size, &hook, &code);
    CHECK(!PyErr_Occurred());
    if (!value)
        return;
    struct buf again = {0};
    value_encode(value, &hook, 64 << 20, &again);
    CHECK(!PyErr_Occurred());
    Py_DECREF(value);
    buf_free(&again);
}

static void as_contents(const uint8_t *data, size_t size)
{
    static const uint8_t containers[] = "l\3\0\0\0l\0\0\0\0d\0\0\0\0S\0\0\0\0";
    struct value_memo memo = {0};
    const uint8_t *at = containers;
    int code = 0;
    PyObject *list = value_decode_with(&memo, &at, containers + sizeof containers - 1, NULL, &code);
    CHECK(list && memo.n == 4);
    at = data;
    if (value_decode_contents(&memo, &at, data + size, NULL, &code) == 0) {
        struct buf bytes = {0};
        int rc = value_encode_contents(&memo, NULL, 64 << 20, &bytes);
        CHECK(rc == 0 || rc == -ELOOP || rc == -E2BIG);
        buf_free(&bytes);
    }
    CHECK(!PyErr_Occurred() && memo.n == 4);
    PyList_SetSlice(list, 0, PyList_GET_SIZE(list), NULL); /* it may hold itself by now */
    for (uint32_t i = 1; i < memo.n; i++)
        if (PyDict_Check(memo.objects[i]))
            PyDict_Clear(memo.objects[i]);
        else if (PyList_Check(memo.objects[i]))
            PyList_SetSlice(memo.objects[i], 0, PyList_GET_SIZE(memo.objects[i]), NULL);
    Py_DECREF(list);
    value_memo_free(&memo);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!Py_IsInitialized()) {
        struct interpreter_options none = {0};
        CHECK(interpreter_start(&none, NULL) == 0);
    }
    without_hooks(data, size);
    with_hooks(data, size, true);
    with_hooks(data, size, false);
    as_contents(data, size);
    return 0;
}
