/* fuzz_value.c: hostile bytes into value_decode. Whatever is accepted must encode again, and to a fixed point.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address -D_GNU_SOURCE -Iinclude -I. $(pkg-config --cflags python-3.11-embed) \
 *       tests/fuzz/fuzz_value.c sandbox/value*.c sandbox/interpreter.c $(pkg-config --libs python-3.11-embed) -o fuzz_value
 *   ./fuzz_value tests/fuzz/corpus/value */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "base/check.h"
#include "base/str.h"
#include "sandbox/interpreter.h"
#include "value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!Py_IsInitialized()) {
        struct interpreter_options none = {0};
        CHECK(interpreter_start(&none, NULL) == 0);
    }
    const uint8_t *at = data;
    int code = 0;
    PyObject *value = value_decode(&at, data + size, NULL, &code);
    CHECK(!PyErr_Occurred());
    if (!value) {
        CHECK(code < 0 && at == data);
        return 0;
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
    return 0;
}
