/* judge_lend.c: what has no value, in both directions.
 *
 * Ours: a callable, an iterator or an exception of the test gets a number when it is first sent; the
 * program calls it or takes the next item by that number, and it comes home as itself. A Python
 * function is described (name, text, parameters), so that the program can wrap it, bind it or
 * look at its signature; defaults go along where they are plain. Nothing else of ours is lent:
 * attributes of a test's object could lead to the test's globals.
 *
 * Theirs: a handle becomes a proxy. An exception class becomes a class here, one for each of
 * theirs, below the same builtin base: the test's `except` needs a class. Making an object of it
 * makes one over there; attributes that are not here are asked for. */
#define PY_SSIZE_T_CLEAN
#include "verifier/judge_session.h"

#include "base/clock.h"
#include "verifier/judge_embed.h"

enum {
    LENT_MAX = 100000,
    SMALL_CHARS = 256,
    SMALL_ITEMS = 8,
    BATCH_MAX = 1024,
    BATCH_NS = 1000000,
    CALL_REFERENCES =
        4, /* to a temporary argument while its call is served: stack, tuple, ours, serve's */
};

static struct {
    PyObject *globals;    /* of the test; borrowed */
    PyObject *objects;    /* list: what was lent, by number */
    PyObject *numbers;    /* dict: address -> number */
    PyObject *exceptions; /* dict: number of their class -> class made here */
    PyObject *describe, *raised, *run, *library;
    PyObject *kept; /* dict: address of an iterator -> exception to come */
    bool met_foreign;
} lend;

EMBED_TEXT(judge__lend_text, "verifier/judge_lend.py");

/* ---- ours ------------------------------------------------------------------------------------ */

/* What the guest is told of an object that it sees for the first time. New reference. */
static PyObject *description(PyObject *object, uint8_t *ret_flags)
{
    PyObject *about = NULL;
    if (PyFunction_Check(object)) {
        about = PyObject_CallOneArg(lend.describe, object);
        if (about && about != Py_None)
            *ret_flags |= LENT_FUNCTION;
    } else if (!PyIter_Check(object) && !PyExceptionInstance_Check(object)) {
        about = PyObject_GetAttrString(object, "__name__");
        if (about && !PyUnicode_CheckExact(about))
            Py_CLEAR(about);
    }
    PyErr_Clear();
    return about ? about : Py_NewRef(Py_None);
}

/* -EINVAL: too many, or not what is lent. */
static int lend_object(PyObject *object, struct value_writer *w)
{
    PyObject *key = PyLong_FromVoidPtr(object);
    PyObject *known = key ? PyDict_GetItemWithError(lend.numbers, key) : NULL;
    uint8_t flags = !PyCallable_Check(object) && PyIter_Check(object) ? LENT_ITERATOR : 0;
    if (known) {
        Py_DECREF(key);
        return value_put_foreign(w, VALUE_CALLABLE, (uint32_t)PyLong_AsUnsignedLong(known), flags,
                                 NULL);
    }
    Py_ssize_t n = PyList_GET_SIZE(lend.objects);
    PyObject *number = PyLong_FromSsize_t(n);
    bool listed = key && number && n < LENT_MAX && PyList_Append(lend.objects, object) == 0 &&
                  PyDict_SetItem(lend.numbers, key, number) == 0;
    Py_XDECREF(key);
    Py_XDECREF(number);
    if (!listed) {
        PyErr_Clear();
        return -EINVAL;
    }
    PyObject *about = description(object, &flags);
    int rc = value_put_foreign(w, VALUE_CALLABLE, (uint32_t)n, flags, about);
    Py_DECREF(about);
    return rc;
}

static int encode_object(void *ctx, PyObject *object, struct value_writer *w)
{
    uint32_t number;
    (void)ctx;
    if (judge__proxy_number(object, &number))
        return value_put_foreign(w, VALUE_HANDLE, number, 0, NULL);
    bool ours =
        PyCallable_Check(object) || PyIter_Check(object) || PyExceptionInstance_Check(object);
    return ours && !judge_is_handle(object) ? lend_object(object, w) : -EINVAL;
}

PyObject *judge__lent(uint32_t number)
{
    return number < (size_t)PyList_GET_SIZE(lend.objects) ? PyList_GET_ITEM(lend.objects, number)
                                                          : NULL;
}

PyObject *judge__run_coroutine(PyObject *coroutine)
{
    return PyObject_CallOneArg(lend.run, coroutine);
}

/* ---- iterators ------------------------------------------------------------------------------- */

/* What a batch may hold: nothing that a later item could still change, nothing large. */
static bool is_small(PyObject *o, int depth)
{
    if (PyUnicode_CheckExact(o))
        return PyUnicode_GET_LENGTH(o) < SMALL_CHARS;
    if (PyLong_CheckExact(o))
        return _PyLong_NumBits(o) < SMALL_CHARS;
    bool small = PyTuple_CheckExact(o) && PyTuple_GET_SIZE(o) < SMALL_ITEMS && depth == 0;
    for (Py_ssize_t i = 0; small && i < PyTuple_GET_SIZE(o); i++)
        small = is_small(PyTuple_GET_ITEM(o, i), 1);
    return small || o == Py_None || PyBool_Check(o) || PyFloat_CheckExact(o);
}

/* What an iterator raised after items of the same batch is raised when the next one is wanted. */
static bool raise_kept(PyObject *key)
{
    PyObject *error = PyDict_GetItemWithError(lend.kept, key);
    if (!error)
        return false;
    Py_INCREF(error);
    PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_DECREF(error);
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    if (PyDict_DelItem(lend.kept, key) < 0)
        PyErr_Clear();
    PyErr_Restore(type, value, trace);
    return true;
}

static int keep_error(PyObject *key)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    int rc = value ? PyDict_SetItem(lend.kept, key, value) : 0;
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return rc;
}

/* A batch runs ahead of the program. Nobody can tell if nobody else has the iterator (the call's
 * arguments hold it, and we do) and it is quick. */
PyObject *judge__next_items(PyObject *iterator, PyObject *args)
{
    PyObject *key = PyLong_FromVoidPtr(iterator), *items = PyList_New(0), *item = NULL;
    long most = PyTuple_GET_SIZE(args) == 1 ? PyLong_AsLong(PyTuple_GET_ITEM(args, 0)) : 1;
    bool ours = Py_REFCNT(iterator) <= CALL_REFERENCES && most <= BATCH_MAX;
    int64_t until = wall_ns() + BATCH_NS;
    PyErr_Clear();
    if (!key || !items || !PyIter_Check(iterator) || raise_kept(key))
        goto fail;
    do {
        item = Py_TYPE(iterator)->tp_iternext(iterator);
        int rc = item ? PyList_Append(items, item) : 0;
        Py_XDECREF(item); /* the list has it */
        if (rc < 0)
            goto fail;
    } while (item && ours && PyList_GET_SIZE(items) < most && is_small(item, 0) &&
             wall_ns() < until);
    bool got = PyList_GET_SIZE(items) > 0;
    if (!item && !PyErr_Occurred() && !got)
        PyErr_SetNone(PyExc_StopIteration);
    if (PyErr_Occurred() && (!got || keep_error(key) < 0))
        goto fail;
    Py_DECREF(key);
    return items;
fail:
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "no iterator");
    Py_XDECREF(key);
    Py_XDECREF(items);
    return NULL;
}

/* ---- theirs ---------------------------------------------------------------------------------- */

static PyObject *decode_object(void *ctx, const struct value_foreign *what)
{
    (void)ctx;
    lend.met_foreign = true;
    if (what->tag == VALUE_HANDLE)
        return judge__proxy_new(what, judge__generation());
    PyObject *ours = judge__lent(what->number);
    if (!ours)
        PyErr_SetString(PyExc_ValueError, "no such object");
    return Py_XNewRef(ours);
}

bool judge__lend_met_foreign(bool reset)
{
    bool met = lend.met_foreign;
    if (reset)
        lend.met_foreign = false;
    return met;
}

/* The class of that name that the test's source or the starter defines; borrowed. One that they only
 * import, a framework's SkipTest say, is nothing that a program may raise by its name. */
static PyObject *own_exception(PyObject *name)
{
    PyObject *found = lend.globals ? PyDict_GetItemWithError(lend.globals, name) : NULL;
    if (!found || !PyExceptionClass_Check(found))
        return NULL;
    PyObject *here = PyDict_GetItemString(lend.globals, "__name__");
    PyObject *module = PyDict_GetItemString(((PyTypeObject *)found)->tp_dict, "__module__");
    return here && module && PyObject_RichCompareBool(here, module, Py_EQ) == 1 ? found : NULL;
}

/* The test's own class of that name (the starter's, mostly), the library's, or one made once for
 * theirs. */
static PyObject *exception_class(void *ctx, PyObject *theirs, PyObject *module, PyObject *name,
                                 PyObject *bases)
{
    uint32_t number;
    (void)ctx;
    PyObject *found = own_exception(name);
    if (found)
        return Py_NewRef(found);
    found = PyObject_CallFunctionObjArgs(lend.library, module, name, NULL);
    if (found && PyExceptionClass_Check(found))
        return found;
    PyErr_Clear();
    Py_XDECREF(found);
    if (!judge__proxy_number(theirs, &number) || PyTuple_GET_SIZE(bases) == 0)
        return NULL;
    PyObject *key = PyLong_FromUnsignedLong(number);
    PyObject *made = key ? Py_XNewRef(PyDict_GetItemWithError(lend.exceptions, key)) : NULL;
    if (key && !made) {
        made = PyObject_CallFunctionObjArgs(lend.raised, theirs, module, name, bases, NULL);
        if (!made) { /* bases that do not go together */
            PyErr_Clear();
            made = Py_NewRef(PyTuple_GET_ITEM(bases, 0));
        }
        if (PyDict_SetItem(lend.exceptions, key, made) < 0)
            Py_CLEAR(made);
    }
    Py_XDECREF(key);
    return made;
}

static PyObject *tuple_class(void *ctx, PyObject *name, PyObject *fields)
{
    (void)ctx;
    PyObject *found = lend.globals ? PyDict_GetItemWithError(lend.globals, name) : NULL;
    if (!found || Py_TYPE(found) != &PyType_Type)
        return NULL;
    PyObject *own = PyDict_GetItemString(((PyTypeObject *)found)->tp_dict, "_fields");
    bool same = own && PyTuple_CheckExact(own) && PyObject_RichCompareBool(own, fields, Py_EQ) == 1;
    return same ? Py_NewRef(found) : NULL;
}

const struct value_hook judge__hook = {
    .encode = encode_object,
    .decode = decode_object,
    .exception_class = exception_class,
    .tuple_class = tuple_class,
    .is_judge = true,
};

/* ---- the session ----------------------------------------------------------------------------- */

void judge_session_globals(PyObject *globals)
{
    lend.globals = globals;
}

void judge__lend_clear(void)
{
    lend.globals = NULL;
    if (PyList_SetSlice(lend.objects, 0, PyList_GET_SIZE(lend.objects), NULL) < 0)
        PyErr_Clear();
    PyDict_Clear(lend.numbers);
    PyDict_Clear(lend.kept);
    PyDict_Clear(lend.exceptions);
}

int judge__lend_init(void)
{
    PyObject *scope = judge_embedded(judge__lend_text, "<lend>");
    lend.objects = PyList_New(0);
    lend.numbers = PyDict_New();
    lend.kept = PyDict_New();
    lend.exceptions = PyDict_New();
    if (!scope || !lend.objects || !lend.numbers || !lend.kept || !lend.exceptions)
        return -1;
    lend.describe = PyDict_GetItemString(scope, "describe");
    lend.raised = PyDict_GetItemString(scope, "raised");
    lend.library = PyDict_GetItemString(scope, "library");
    lend.run = PyDict_GetItemString(scope, "run"); /* `scope` lives as long as the process */
    return 0;
}
