/* guest_raise.c: exceptions as values (value.h) and the line of the program that they came from, out
 * of the guest and into it. */
#include "sandbox/guest.h"

#include <frameobject.h>

#include "base/check.h"

enum { ARGS_BYTES_MAX = 1 << 20 };

static const char solution_name[] = "<solution>";

static uint32_t as_line(PyObject *number)
{
    long line = number && PyLong_Check(number) ? PyLong_AsLong(number) : 0;
    PyErr_Clear();
    return line > 0 && line < INT32_MAX ? (uint32_t)line : 0;
}

/* The innermost line of the program: where it does not compile, or the last of its frames that
 * the error passed. */
static uint32_t program_line(PyObject *error, PyObject *trace)
{
    uint32_t line = 0;
    if (PyObject_TypeCheck(error, (PyTypeObject *)PyExc_SyntaxError)) {
        const PySyntaxErrorObject *syntax = (const PySyntaxErrorObject *)error;
        if (syntax->filename && PyUnicode_Check(syntax->filename) &&
            PyUnicode_CompareWithASCIIString(syntax->filename, solution_name) == 0)
            return as_line(syntax->lineno);
    }
    for (PyTracebackObject *tb = (PyTracebackObject *)trace; tb && PyTraceBack_Check(tb);
         tb = tb->tb_next) {
        PyCodeObject *code = PyFrame_GetCode(tb->tb_frame);
        if (PyUnicode_CompareWithASCIIString(code->co_filename, solution_name) == 0) {
            /* tb_lineno is filled in lazily; the attribute computes it. */
            PyObject *number = PyObject_GetAttrString((PyObject *)tb, "tb_lineno");
            line = as_line(number);
            Py_XDECREF(number);
        }
        Py_DECREF(code);
    }
    return line;
}

/* What is left of an exception that is itself too much to send: its builtin class and its text. */
static int put_outline(struct guest *g, PyObject *error, struct buf *out)
{
    PyTypeObject *type = Py_TYPE(error);
    while (type->tp_base && !value_is_builtin((PyObject *)type))
        type = type->tp_base;
    PyObject *text = PyObject_Str(error);
    PyObject *cut = text ? PyUnicode_Substring(text, 0, 1000) : NULL;
    PyErr_Clear();
    PyObject *args = cut ? PyTuple_Pack(1, cut) : PyTuple_New(0);
    PyObject *outline = args ? type->tp_new(type, args, NULL) : NULL;
    int rc = outline ? value_encode(outline, &g->hook, ARGS_BYTES_MAX, out) : -ENOMEM;
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(cut);
    Py_XDECREF(args);
    Py_XDECREF(outline);
    return rc;
}

int guest_put_raised(struct guest *g, struct buf *out)
{
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    CHECK(error && PyExceptionInstance_Check(error));
    uint32_t line = program_line(error, trace);
    size_t first = out->len;
    int rc = value_encode(error, &g->hook, ARGS_BYTES_MAX, out);
    if (rc < 0) {
        out->len = first;
        rc = put_outline(g, error, out);
    }
    buf_add(out, &line, sizeof line);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    PyErr_Clear();
    return rc;
}

void guest_raise(PyObject *exception)
{
    if (PyExceptionInstance_Check(exception))
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    else
        PyErr_SetString(PyExc_TypeError, "the callable raised no exception");
    Py_DECREF(exception);
}
