/* guest_object.c: what is not plain data. The program's objects go out as numbers that the judge
 * holds; the judge's come in as what guest_lent.c makes of them; each goes home as the number
 * that it came with. */
#include <stdlib.h>

#include "base/check.h"
#include "sandbox/guest.h"

/* ---- handles --------------------------------------------------------------------------------- */

static int64_t number_of(const struct guest_handles *h, PyObject *key)
{
    PyObject *known = PyDict_GetItemWithError(h->numbers, key);
    long number = known && PyLong_Check(known) ? PyLong_AsLong(known) : -1;
    PyErr_Clear();
    return number;
}

/* Numbers start at 1 and are not used again: a stale one names nothing. */
static int handle_put(struct guest_handles *h, PyObject *object, uint32_t *ret_number)
{
    PyObject *key = PyLong_FromVoidPtr(object);
    if (!key)
        return -ENOMEM;
    int64_t known = number_of(h, key);
    if (known > 0 && known < h->n && h->objects[known] == object) {
        h->counts[known]++;
        *ret_number = (uint32_t)known;
        Py_DECREF(key);
        return 0;
    }
    if (h->n >= h->cap) {
        h->cap = h->cap ? h->cap * 2 : 64;
        h->objects = xrealloc(h->objects, h->cap, sizeof(PyObject *));
        h->counts = xrealloc(h->counts, h->cap, sizeof *h->counts);
    }
    if (h->n == 0)
        h->n = 1;
    PyObject *number = PyLong_FromUnsignedLong(h->n);
    int rc = number && PyDict_SetItem(h->numbers, key, number) == 0 ? 0 : -ENOMEM;
    if (rc == 0) {
        h->objects[h->n] = Py_NewRef(object);
        h->counts[h->n] = 1;
        *ret_number = h->n++;
    }
    Py_XDECREF(number);
    Py_DECREF(key);
    return rc;
}

PyObject *guest_handle(struct guest *g, uint32_t number)
{
    const struct guest_handles *h = &g->handles;
    if (number && number < h->n && h->objects[number])
        return h->objects[number];
    PyErr_Format(PyExc_ReferenceError, "no object has the number %u", number);
    return NULL;
}

void guest_release(struct guest *g, uint32_t number)
{
    struct guest_handles *h = &g->handles;
    if (!number || number >= h->n || !h->objects[number] || --h->counts[number])
        return;
    PyObject *object = h->objects[number], *key = PyLong_FromVoidPtr(object);
    if (key && PyDict_DelItem(h->numbers, key) != 0)
        PyErr_Clear();
    Py_XDECREF(key);
    h->objects[number] = NULL;
    Py_DECREF(object);
}

/* ---- out ------------------------------------------------------------------------------------- */

static bool stores_value(PyObject *o)
{
    return PyLong_Check(o) || PyUnicode_Check(o) || PyList_Check(o) || PyTuple_Check(o) ||
           PyDict_Check(o) || PyAnySet_Check(o) || PyFloat_Check(o) || PyComplex_Check(o) ||
           PyBytes_Check(o) || PyByteArray_Check(o);
}

/* A class statement of the program leaves its module's name in the class. */
bool guest_is_object(PyObject *object)
{
    const PyTypeObject *type = Py_TYPE(object);
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE) || !stores_value(object))
        return false;
    PyObject *module = PyDict_GetItemString(type->tp_dict, "__module__");
    return module && PyUnicode_Check(module) &&
           PyUnicode_CompareWithASCIIString(module, "solution") == 0;
}

static uint8_t flags_of(PyObject *object)
{
    const PyAsyncMethods *async = Py_TYPE(object)->tp_as_async;
    unsigned flags = (PyType_Check(object) ? HANDLE_CLASS : 0u) |
                     (stores_value(object) ? HANDLE_STORES : 0u) |
                     (async && async->am_await ? HANDLE_AWAITABLE : 0u);
    return (uint8_t)flags;
}

static int hook_encode(void *ctx, PyObject *object, struct value_writer *w)
{
    struct guest *g = ctx;
    uint32_t number;
    if (guest_lent_number(object, &number)) /* the judge's own object goes home */
        return value_put_foreign(w, VALUE_CALLABLE, number, 0, NULL);
    TRY(handle_put(&g->handles, object, &number));
    return value_put_foreign(w, VALUE_HANDLE, number, flags_of(object), NULL);
}

bool guest_is_held(struct guest *g, PyObject *object)
{
    PyObject *key = PyLong_FromVoidPtr(object);
    int64_t known = key ? number_of(&g->handles, key) : -1;
    Py_XDECREF(key);
    return known > 0 && known < g->handles.n && g->handles.objects[known] == object;
}

/* A handle, even where the object has a value. */
int guest_put_object(struct guest *g, PyObject *object, struct buf *out)
{
    uint32_t number;
    TRY(handle_put(&g->handles, object, &number));
    buf_char(out, VALUE_HANDLE);
    buf_add(out, &number, sizeof number);
    buf_char(out, (char)flags_of(object));
    buf_char(out, VALUE_NONE);
    return 0;
}

/* ---- in -------------------------------------------------------------------------------------- */

static PyObject *hook_decode(void *ctx, const struct value_foreign *what)
{
    struct guest *g = ctx;
    g->foreign++;
    if (what->tag == VALUE_CALLABLE)
        return guest_lent(g, what);
    PyObject *object = guest_handle(g, what->number);
    return object ? Py_NewRef(object) : NULL;
}

/* A class of the library is the same on both sides; one of the test's own is made here and goes
 * home as what it stands for. */
static PyObject *hook_exception_class(void *ctx, PyObject *theirs, PyObject *module, PyObject *name,
                                      PyObject *bases)
{
    PyObject *m = PyUnicode_Check(module) ? PyImport_GetModule(module) : NULL, *found = NULL;
    (void)ctx;
    if (m)
        found = PyObject_GetAttr(m, name);
    PyErr_Clear();
    Py_XDECREF(m);
    if (found && PyExceptionClass_Check(found))
        return found;
    Py_XDECREF(found);
    /* `theirs` stands for the class: it is made once. */
    PyObject *made = PyObject_GetAttrString(theirs, "class_here");
    PyErr_Clear();
    if (made)
        return made;
    PyObject *dict = Py_BuildValue("{sO}", VALUE_OTHER_SELF, theirs);
    if (dict)
        made = PyObject_CallFunctionObjArgs((PyObject *)&PyType_Type, name, bases, dict, NULL);
    if (made && PyObject_SetAttrString(theirs, "class_here", made) < 0)
        PyErr_Clear();
    Py_XDECREF(dict);
    return made;
}

static PyObject *hook_tuple_class(void *ctx, PyObject *name, PyObject *fields)
{
    struct guest *g = ctx;
    PyObject *found = g->globals ? PyDict_GetItemWithError(g->globals, name) : NULL;
    if (!found || Py_TYPE(found) != &PyType_Type)
        return NULL;
    PyObject *own = PyDict_GetItemString(((PyTypeObject *)found)->tp_dict, "_fields");
    bool same = own && PyTuple_CheckExact(own) && PyObject_RichCompareBool(own, fields, Py_EQ) == 1;
    return same ? Py_NewRef(found) : NULL;
}

int guest_handles_init(struct guest *g)
{
    g->hook = (struct value_hook){
        .encode = hook_encode,
        .decode = hook_decode,
        .exception_class = hook_exception_class,
        .tuple_class = hook_tuple_class,
        .ctx = g,
    };
    g->handles.numbers = PyDict_New();
    g->lent = PyDict_New();
    return g->handles.numbers && g->lent ? 0 : -1;
}
