/* Any bytes as all that a guest ever writes: the judge asks for a global, calls it, walks it and
 * computes with it, serving callbacks meanwhile. It must end with values or with an error, never
 * worse. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/interpreter.h"
#include "verifier/judge_proxy.h"
#include "verifier/judge_watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static PyObject *globals;

static void start(void)
{
    struct interpreter_options none = {0};
    struct err err = {0};
    CHECK(interpreter_start(&none, &err) == 0);
    CHECK(judge_proxy_init() == 0 && judge_watch_init(&err) == 0);
    globals = PyDict_New();
    CHECK(PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) == 0);
}

/* The test. Every line is tried, whatever became of the one before. */
static const char *const lines[] = {
    "xs = [1, [2]]; r = f(xs, xs[1], key=lambda *a: a[0].append(1) or a)",
    "s = str(r); h = hash(r); b = bool(r); l = list(zip(r, range(3)))",
    "e = r == f; d = {r: 1}; v = r.name; r.name = 1; w = r[0:2]; c = r < r",
    "a = r + 1; q = isinstance(f, type); z = f(iter([1]), int, ValueError(3))",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int pair[2];
    bool missing;
    if (!globals)
        start();
    if (size > 64 << 10)
        return 0;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(size == 0 || write(pair[1], data, size) == (ssize_t)size);
    CHECK(shutdown(pair[1], SHUT_WR) == 0);
    struct judge_guest guest = {.fd = pair[0], .pipes = {-1, -1, -1}, .exited = true};
    judge_session_begin(&guest);
    judge_session_globals(globals);
    PyObject *f = judge_global("f", &missing);
    CHECK(f || PyErr_Occurred());
    PyErr_Clear();
    if (f && !missing)
        PyDict_SetItemString(globals, "f", f);
    for (size_t i = 0; i < sizeof lines / sizeof *lines && f && !missing; i++) {
        PyObject *done = PyRun_String(lines[i], Py_file_input, globals, globals);
        CHECK(done || PyErr_Occurred());
        PyErr_Clear();
        Py_XDECREF(done);
    }
    Py_XDECREF(f);
    PyDict_Clear(globals);
    CHECK(PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) == 0);
    judge_session_end();
    close(pair[0]);
    close(pair[1]);
    buf_free(&guest.question);
    buf_free(&guest.input);
    return 0;
}
