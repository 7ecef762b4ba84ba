/* judge_text.c: conversions whose cost is bounded by what they show, not by what they are given. */
#include "verifier/judge_text.h"

#include <math.h>

#include "problem.h"
#include "verifier/judge.h"
#include "verifier/judge_proxy.h"

enum { JSON_DEPTH_MAX = 100, SHOWN_DEPTH_MAX = 20, SHOWN_BITS_MAX = 4096 };

PyObject *judge_from_json(const json_t *json)
{
    size_t i;
    const char *key;
    json_t *item;
    switch (json_typeof(json)) {
    case JSON_TRUE:
        return Py_NewRef(Py_True);
    case JSON_FALSE:
        return Py_NewRef(Py_False);
    case JSON_NULL:
        return Py_NewRef(Py_None);
    case JSON_INTEGER:
        return PyLong_FromLongLong(json_integer_value(json));
    case JSON_REAL:
        return PyFloat_FromDouble(json_real_value(json));
    case JSON_STRING:
        return PyUnicode_FromStringAndSize(json_string_value(json),
                                           (Py_ssize_t)json_string_length(json));
    case JSON_ARRAY:
        break;
    case JSON_OBJECT:
        break;
    }
    const char *digits = json_string_value(json_object_get(json, PROBLEM_BIG_INTEGER));
    if (digits)
        return PyLong_FromString(digits, NULL, 10);
    bool array = json_is_array(json);
    PyObject *made = array ? PyList_New(0) : PyDict_New(), *value;
    if (made && array) {
        json_array_foreach (json, i, item) {
            value = judge_from_json(item);
            if (!value || PyList_Append(made, value) < 0)
                Py_CLEAR(made);
            Py_XDECREF(value);
            if (!made)
                break;
        }
    } else if (made) {
        json_object_foreach ((json_t *)json, key, item) {
            value = judge_from_json(item);
            if (!value || PyDict_SetItemString(made, key, value) < 0)
                Py_CLEAR(made);
            Py_XDECREF(value);
            if (!made)
                break;
        }
    }
    return made;
}

static json_t *to_json(PyObject *o, int depth, struct err *err);

static json_t *refuse(struct err *err, PyObject *o, const char *why)
{
    PyErr_Clear();
    err_set(err, -EINVAL, "%s (%.60s)", why, Py_TYPE(o)->tp_name);
    return NULL;
}

static json_t *integer_to_json(PyObject *o, struct err *err)
{
    int overflow;
    long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (overflow)
        return refuse(err, o, "an integer of more than 64 bits: write it as `call:` or `returns:`");
    return json_integer(v);
}

static json_t *dict_to_json(PyObject *o, int depth, struct err *err)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    json_t *made = json_object();
    while (made && PyDict_Next(o, &at, &key, &value)) {
        const char *name = PyUnicode_Check(key) ? PyUnicode_AsUTF8(key) : NULL;
        json_t *item =
            name ? to_json(value, depth + 1, err) : refuse(err, key, "a key that is not a string");
        if (!item || json_object_set_new(made, name, item) != 0) {
            if (item)
                refuse(err, key, "a key that is not valid text");
            json_decref(made);
            made = NULL;
        }
    }
    return made;
}

static json_t *to_json(PyObject *o, int depth, struct err *err)
{
    if (depth > JSON_DEPTH_MAX)
        return refuse(err, o, "nested too deeply");
    if (o == Py_None)
        return json_null();
    if (PyBool_Check(o))
        return json_boolean(o == Py_True);
    if (PyLong_Check(o))
        return integer_to_json(o, err);
    if (PyFloat_Check(o))
        return isfinite(PyFloat_AS_DOUBLE(o)) ? json_real(PyFloat_AS_DOUBLE(o))
                                              : refuse(err, o, "not a finite number");
    if (PyUnicode_Check(o)) {
        Py_ssize_t n;
        const char *s = PyUnicode_AsUTF8AndSize(o, &n);
        json_t *text = s ? json_stringn(s, (size_t)n) : NULL;
        return text ? text : refuse(err, o, "text with lone surrogates");
    }
    if (PyDict_Check(o))
        return dict_to_json(o, depth, err);
    if (!PyList_Check(o) && !PyTuple_Check(o))
        return refuse(err, o, "not a value that a problem file can hold");
    json_t *made = json_array();
    for (Py_ssize_t i = 0; made && i < PySequence_Fast_GET_SIZE(o); i++) {
        json_t *item = to_json(PySequence_Fast_GET_ITEM(o, i), depth + 1, err);
        if (!item || json_array_append_new(made, item) != 0) {
            json_decref(made);
            made = NULL;
        }
    }
    return made;
}

json_t *judge_to_json(PyObject *object, struct err *err)
{
    return to_json(object, 0, err);
}

/* ---- what people see ------------------------------------------------------------------------- */

static void show_scalar(struct buf *out, PyObject *o)
{
    PyObject *text = PyObject_Repr(o);
    PyObject *bytes = text ? PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace") : NULL;
    if (bytes)
        buf_add(out, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    else
        buf_printf(out, "<%.60s>", Py_TYPE(o)->tp_name);
    PyErr_Clear();
    Py_XDECREF(bytes);
    Py_XDECREF(text);
}

static void show(struct buf *out, PyObject *o, int depth);

static void show_dict(struct buf *out, PyObject *o, int depth)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    const char *comma = "";
    buf_char(out, '{');
    while (out->len < JUDGE_TEXT_BYTES_MAX && PyDict_Next(o, &at, &key, &value)) {
        buf_puts(out, comma);
        show(out, key, depth + 1);
        buf_puts(out, ": ");
        show(out, value, depth + 1);
        comma = ", ";
    }
    buf_char(out, '}');
}

static void show_items(struct buf *out, PyObject *o, int depth)
{
    bool list = PyList_Check(o), tuple = PyTuple_Check(o);
    PyObject *iterator = PyObject_GetIter(o), *item;
    const char *comma = "";
    Py_ssize_t n = 0;
    if (PyAnySet_Check(o) && PySet_GET_SIZE(o) == 0)
        buf_puts(out, "set(");
    else
        buf_char(out, list ? '[' : tuple ? '(' : '{');
    while (iterator && out->len < JUDGE_TEXT_BYTES_MAX && (item = PyIter_Next(iterator)) != NULL) {
        buf_puts(out, comma);
        show(out, item, depth + 1);
        Py_DECREF(item);
        comma = ", ";
        n++;
    }
    Py_XDECREF(iterator);
    PyErr_Clear();
    if (tuple && n == 1)
        buf_char(out, ',');
    buf_char(out, list ? ']' : tuple || n == 0 ? ')' : '}');
}

static void show(struct buf *out, PyObject *o, int depth)
{
    if (judge_is_handle(o)) {
        buf_puts(out, "<object of the program>");
    } else if (depth > SHOWN_DEPTH_MAX) {
        buf_puts(out, "...");
    } else if (PyUnicode_Check(o) || PyBytes_Check(o) || PyByteArray_Check(o)) {
        PyObject *head = PySequence_GetSlice(o, 0, JUDGE_TEXT_BYTES_MAX);
        if (head)
            show_scalar(out, head);
        Py_XDECREF(head);
    } else if (PyLong_Check(o) && !PyBool_Check(o) && _PyLong_NumBits(o) > SHOWN_BITS_MAX) {
        buf_printf(out, "<integer of %zu bits>", _PyLong_NumBits(o));
    } else if (PyDict_Check(o)) {
        show_dict(out, o, depth);
    } else if (PyList_Check(o) || PyTuple_Check(o) || PyAnySet_Check(o)) {
        show_items(out, o, depth);
    } else {
        show_scalar(out, o);
    }
}

json_t *judge_json_text(struct str text, size_t max)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyObject *decoded =
        PyUnicode_DecodeUTF8(text.s, (Py_ssize_t)(text.len > max ? max : text.len), "replace");
    Py_ssize_t n = 0;
    const char *s = decoded ? PyUnicode_AsUTF8AndSize(decoded, &n) : NULL;
    json_t *made = s ? json_stringn(s, (size_t)n) : NULL;
    Py_XDECREF(decoded);
    PyErr_Restore(type, value, trace);
    return made ? made : json_string("");
}

json_t *judge_show(PyObject *object)
{
    PyObject *type, *value, *trace;
    struct buf out = {0};
    if (!object)
        return json_null();
    PyErr_Fetch(&type, &value, &trace);
    show(&out, object, 0);
    PyErr_Restore(type, value, trace);
    json_t *made = judge_json_text(buf_view(&out), JUDGE_TEXT_BYTES_MAX);
    buf_free(&out);
    return made;
}

void judge_error_text(struct buf *out)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    PyObject *text = value ? PyObject_Str(value) : NULL;
    PyObject *bytes = text ? PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace") : NULL;
    PyErr_Clear();
    const char *name = type ? ((PyTypeObject *)type)->tp_name : "error";
    const char *dot = strrchr(name, '.');
    buf_puts(out, dot ? dot + 1 : name);
    if (bytes && PyBytes_GET_SIZE(bytes) > 0) {
        Py_ssize_t n = PyBytes_GET_SIZE(bytes);
        buf_puts(out, ": ");
        buf_add(out, PyBytes_AS_STRING(bytes),
                (size_t)(n < JUDGE_TEXT_BYTES_MAX ? n : JUDGE_TEXT_BYTES_MAX));
    }
    Py_XDECREF(bytes);
    Py_XDECREF(text);
    PyErr_Restore(type, value, trace);
}
