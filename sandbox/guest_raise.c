/* guest_raise.c: exceptions as (type name, builtin base, args by value, message, line), out of
 * the guest and into it. */
#include "sandbox/guest.h"

#include <frameobject.h>

#include "base/check.h"

enum { MESSAGE_CHARS_MAX = 4096, ARGS_BYTES_MAX = 1 << 20 };

static const char solution_name[] = "<solution>";

/* "decimal.InvalidOperation" is InvalidOperation to a test. */
static struct str short_name(const PyTypeObject *type)
{
    const char *dot = strrchr(type->tp_name, '.');
    return str_of(dot ? dot + 1 : type->tp_name);
}

/* The first static class on the way up: the program cannot have made it. */
static struct str base_name(const PyTypeObject *type)
{
    PyObject *mro = type->tp_mro;
    for (Py_ssize_t i = 0; mro && i < PyTuple_GET_SIZE(mro); i++) {
        const PyTypeObject *base = (const PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        if (!(base->tp_flags & Py_TPFLAGS_HEAPTYPE))
            return short_name(base);
    }
    return STR("BaseException");
}

/* str(object) cut to a length, as UTF-8; "" when it has none. New reference to bytes, or NULL
 * without an error set. */
static PyObject *text_of(PyObject *object)
{
    PyObject *text = PyObject_Str(object);
    PyObject *cut = text ? PyUnicode_Substring(text, 0, MESSAGE_CHARS_MAX) : NULL;
    PyObject *bytes = cut ? PyUnicode_AsEncodedString(cut, "utf-8", "backslashreplace") : NULL;
    Py_XDECREF(text);
    Py_XDECREF(cut);
    PyErr_Clear();
    if (bytes && !PyBytes_Check(bytes))
        Py_CLEAR(bytes);
    return bytes;
}

static struct str bytes_view(PyObject *bytes)
{
    return bytes ? str_make(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes)) : STR("");
}

static void put_args(struct buf *out, PyObject *args)
{
    size_t first = out->len,
           count = args && PyTuple_Check(args) ? (size_t)PyTuple_GET_SIZE(args) : 0;
    uint32_t n = (uint32_t)count;
    buf_char(out, VALUE_TUPLE);
    buf_add(out, &n, sizeof n);
    for (size_t i = 0; i < count; i++) {
        size_t mark = out->len;
        if (value_encode(PyTuple_GET_ITEM(args, i), NULL, ARGS_BYTES_MAX, out) < 0) {
            out->len = mark;
            PyObject *bytes = text_of(PyTuple_GET_ITEM(args, i));
            struct str text = bytes_view(bytes);
            buf_char(out, VALUE_STR);
            guest_put_name(out, text);
            Py_XDECREF(bytes);
        }
        if (out->len - first > ARGS_BYTES_MAX) {
            out->len = first;
            put_args(out, NULL);
            return;
        }
    }
}

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

void guest_put_raised(struct buf *out)
{
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    CHECK(error && PyExceptionInstance_Check(error));
    uint32_t line = program_line(error, trace);
    PyObject *message = text_of(error);
    guest_put_name(out, short_name(Py_TYPE(error)));
    guest_put_name(out, base_name(Py_TYPE(error)));
    put_args(out, ((PyBaseExceptionObject *)error)->args);
    guest_put_name(out, bytes_view(message));
    buf_add(out, &line, sizeof line);
    Py_XDECREF(message);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    PyErr_Clear();
}

/* The builtin exception of that name; a new reference or NULL without an error set. */
static PyObject *builtin_exception(struct str name)
{
    PyObject *key = PyUnicode_DecodeUTF8(name.s, (Py_ssize_t)name.len, "replace");
    PyObject *type = key ? PyDict_GetItemWithError(PyEval_GetBuiltins(), key) : NULL;
    Py_XDECREF(key);
    PyErr_Clear();
    return type && PyExceptionClass_Check(type) ? Py_NewRef(type) : NULL;
}

/* The judge's payload is a prefix of the guest's: type name, base name, args. */
void guest_raise_from(struct guest *g, struct guest_frame *frame)
{
    PyObject *type = builtin_exception(guest_take_name(frame));
    struct str base = guest_take_name(frame);
    PyObject *args = guest_take_value(g, frame);
    if (!args)
        goto done;
    if (!type)
        type = builtin_exception(base);
    if (PyTuple_Check(args))
        PyErr_SetObject(type ? type : PyExc_Exception, args);
    else
        PyErr_SetString(PyExc_TypeError, "the callable raised without arguments");
done:
    Py_XDECREF(type);
    Py_XDECREF(args);
}
