/* value_array.c: numpy's arrays and scalars as (type, shape, bytes).
 *
 * Writing goes through the buffer protocol alone, which numpy serves in C for every subclass, so
 * nothing that a program defines has a say in what crosses. Reading builds a fresh array.
 *
 * Payload: u8 type character of numpy, u8 1 for a scalar, u8 dimensions, u32 bytes an item,
 * u32 each extent, then the items in C order. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "base/check.h"
#include "value_array.h"

enum {
    DIMENSIONS_MAX = 32,
    HEAD_BYTES = 3 + sizeof(uint32_t),
    CODE_POINT_MAX = 0x10ffff,
    /* An array of no items may still be a million rows long, as a list even a long one. */
    EMPTY_EXTENTS_MAX = 1 << 20,
};

static struct {
    PyTypeObject *array, *scalar; /* NULL: there is no numpy */
    PyTypeObject *character, *record;
    PyObject *copy; /* ndarray.copy, looked up before any program ran */
} numpy;

static PyTypeObject *type_named(PyObject *module, const char *name)
{
    PyObject *type = PyObject_GetAttrString(module, name);
    if (type && !PyType_Check(type)) {
        PyErr_Format(PyExc_TypeError, "numpy.%s is not a type", name);
        Py_CLEAR(type);
    }
    return (PyTypeObject *)type;
}

int value_array_init(void)
{
    PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), "numpy");
    if (!module || numpy.array)
        return 0;
    PyTypeObject *array = type_named(module, "ndarray");
    if (!array || !(numpy.scalar = type_named(module, "generic")) ||
        !(numpy.character = type_named(module, "character")) ||
        !(numpy.record = type_named(module, "void")) ||
        !(numpy.copy = PyObject_GetAttrString((PyObject *)array, "copy")))
        return -1;
    numpy.array = array;
    return 0;
}

bool value_array_is(PyObject *o)
{
    if (!numpy.array)
        return false;
    if (PyObject_TypeCheck(o, numpy.scalar))
        return !PyObject_TypeCheck(o, numpy.character) && !PyObject_TypeCheck(o, numpy.record);
    return PyObject_TypeCheck(o, numpy.array);
}

/* ---- types ----------------------------------------------------------------------------------- */

/* The bytes of an item of numpy's type with that character; 1 or 4 where texts choose. */
static size_t item_size(char type)
{
    switch (type) {
    case '?':
    case 'b':
    case 'B':
    case 'S':
        return 1;
    case 'h':
    case 'H':
    case 'e':
        return 2;
    case 'i':
    case 'I':
    case 'f':
    case 'U':
        return 4;
    case 'l':
    case 'L':
    case 'q':
    case 'Q':
    case 'd':
    case 'F':
        return 8;
    case 'g':
    case 'D':
        return 16;
    case 'G':
        return 32;
    default:
        return 0;
    }
}

static bool size_fits(char type, size_t bytes)
{
    size_t unit = item_size(type);
    if (type == 'S' || type == 'U')
        return bytes > 0 && bytes % unit == 0;
    return unit != 0 && bytes == unit;
}

/* The type character for a format of the buffer protocol in native order; 0 for any other. */
static char type_of_format(const char *format)
{
    char last = format[0] ? format[strlen(format) - 1] : 0;
    if (strspn(format, "0123456789") == strlen(format) - 1 && (last == 's' || last == 'w'))
        return last == 's' ? 'S' : 'U';
    if (format[0] == 'Z' && format[1] && !format[2] && strchr("fdg", format[1]))
        return (char)(format[1] - 'a' + 'A');
    return format[0] && !format[1] && strchr("?bBhHiIlLqQefdg", format[0]) ? format[0] : 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int write_view(PyObject *object, const Py_buffer *view, size_t bytes_max, struct buf *out)
{
    char type = type_of_format(view->format ? view->format : "B");
    bool scalar = PyObject_TypeCheck(object, numpy.scalar);
    size_t data = (size_t)view->len, head = HEAD_BYTES + (size_t)view->ndim * sizeof(uint32_t);
    /* A scalar that shows a row of bytes is a date. */
    if (!type || !size_fits(type, (size_t)view->itemsize) || view->ndim > DIMENSIONS_MAX ||
        (scalar && view->ndim))
        return -ENOTSUP;
    if (data > bytes_max || head > bytes_max - data)
        return -E2BIG;
    uint32_t item = (uint32_t)view->itemsize;
    buf_char(out, type);
    buf_char(out, (char)scalar);
    buf_char(out, (char)view->ndim);
    buf_add(out, &item, sizeof item);
    for (int i = 0; i < view->ndim; i++) {
        uint32_t extent = (uint32_t)view->shape[i];
        if (view->shape[i] < 0 || view->shape[i] > UINT32_MAX)
            return -E2BIG;
        buf_add(out, &extent, sizeof extent);
    }
    buf_reserve(out, data);
    if (PyBuffer_ToContiguous(out->s + out->len, view, view->len, 'C') < 0)
        return -ENOTSUP;
    out->len += data;
    return 0;
}

int value_array_write(PyObject *object, size_t bytes_max, struct buf *out)
{
    Py_buffer view;
    size_t mark = out->len;
    if (PyObject_GetBuffer(object, &view, PyBUF_FULL_RO) < 0) {
        PyErr_Clear();
        return -ENOTSUP;
    }
    int rc = write_view(object, &view, bytes_max, out);
    PyBuffer_Release(&view);
    PyErr_Clear();
    if (rc < 0)
        out->len = mark;
    return rc;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct head {
    char type;
    bool scalar;
    uint8_t dimensions;
    uint32_t item;
    PyObject *shape;
};

static PyObject *malformed(void)
{
    PyErr_SetString(PyExc_ValueError, "a malformed array");
    return NULL;
}

/* Moves *bytes to the items. False, with or without a Python error, when they are not what the
 * head says. */
static bool read_head(const uint8_t **bytes, size_t *n, struct head *ret)
{
    if (*n < HEAD_BYTES)
        return false;
    ret->type = (char)(*bytes)[0];
    ret->scalar = (*bytes)[1] == 1;
    ret->dimensions = (*bytes)[2];
    memcpy(&ret->item, *bytes + 3, sizeof ret->item);
    *bytes += HEAD_BYTES;
    *n -= HEAD_BYTES;
    size_t extents = ret->dimensions * sizeof(uint32_t), product = ret->item, rows = 1;
    if (ret->dimensions > DIMENSIONS_MAX || *n < extents || !size_fits(ret->type, ret->item) ||
        (ret->scalar && ret->dimensions))
        return false;
    ret->shape = PyTuple_New(ret->dimensions);
    for (uint8_t i = 0; ret->shape && i < ret->dimensions; i++) {
        uint32_t extent;
        memcpy(&extent, *bytes + i * sizeof extent, sizeof extent);
        PyObject *number = PyLong_FromUnsignedLong(extent);
        if (!number || __builtin_mul_overflow(product, extent, &product) ||
            __builtin_mul_overflow(rows, extent ? extent : 1, &rows)) {
            Py_XDECREF(number);
            return false;
        }
        PyTuple_SET_ITEM(ret->shape, i, number);
    }
    *bytes += extents;
    *n -= extents;
    return ret->shape && product == *n && (product > 0 || rows <= EMPTY_EXTENTS_MAX);
}

/* Booleans that are neither 0 nor 1, and code points that there are not, would be undefined
 * behaviour later on. */
static bool items_are_sane(char type, const uint8_t *bytes, size_t n)
{
    uint32_t point;
    for (size_t i = 0; type == '?' && i < n; i++)
        if (bytes[i] > 1)
            return false;
    for (size_t i = 0; type == 'U' && i < n; i += sizeof point) {
        memcpy(&point, bytes + i, sizeof point);
        if (point > CODE_POINT_MAX)
            return false;
    }
    return true;
}

static PyObject *build(const struct head *head, const uint8_t *bytes, size_t n)
{
    char type[16];
    PyObject *empty = PyTuple_New(0), *scalar = NULL;
    size_t letters =
        head->type == 'S' || head->type == 'U' ? head->item / item_size(head->type) : 0;
    if (letters)
        snprintf(type, sizeof type, "%c%zu", head->type, letters);
    else
        snprintf(type, sizeof type, "%c", head->type);
    PyObject *data = PyByteArray_FromStringAndSize((const char *)bytes, (Py_ssize_t)n);
    PyObject *view = data && empty ? PyObject_CallFunction((PyObject *)numpy.array, "OsO",
                                                           head->shape, type, data)
                                   : NULL;
    /* Of its own memory, as a program's arrays are. */
    PyObject *array = view ? PyObject_CallOneArg(numpy.copy, view) : NULL;
    if (array && head->scalar)
        scalar = PyObject_GetItem(array, empty);
    if (head->scalar)
        Py_CLEAR(array);
    Py_XDECREF(view);
    Py_XDECREF(data);
    Py_XDECREF(empty);
    return head->scalar ? scalar : array;
}

PyObject *value_array_read(const uint8_t *bytes, size_t n)
{
    struct head head = {0};
    PyObject *made = NULL;
    if (!numpy.array || !read_head(&bytes, &n, &head) || !items_are_sane(head.type, bytes, n)) {
        if (!PyErr_Occurred())
            malformed();
    } else {
        made = build(&head, bytes, n);
    }
    Py_XDECREF(head.shape);
    return made;
}

PyObject *value_array_plain(PyObject *object)
{
    bool scalar = PyObject_TypeCheck(object, numpy.scalar);
    return PyObject_CallMethod(object, scalar ? "item" : "tolist", NULL);
}
