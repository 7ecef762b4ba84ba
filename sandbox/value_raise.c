/* value_raise.c: exceptions, and types and functions that both sides have.
 *
 * An exception crosses as its class, its arguments, what was set on it, and its text. A class that
 * only the sender has crosses with its bases, and the reader makes one below the same builtin
 * base; the hook keeps one for each, so `except` and isinstance() work on it. An exception that
 * comes home is the very one that left. Made objects are not initialised by their class: an
 * exception is rebuilt, not raised anew. */
#include "sandbox/value_parts.h"

enum { MESSAGE_CHARS_MAX = 4096, ATTRIBUTES_MAX = 200 };

static struct {
    PyObject *by_name; /* dict: name -> type or function of Python's own */
    PyObject *names;   /* dict: the object -> its name */
    PyObject *
        of_data; /* set of names: types that guests may name too, as nothing but data comes of them */
    PyObject *other_self; /* interned attribute names */
    PyObject *message;
} known;

/* Types that have no name among the builtins, by the attribute of `types` that is one. */
static const char *const unnamed[] = {
    "NoneType",      "EllipsisType",  "NotImplementedType", "FunctionType", "MethodType",
    "GeneratorType", "CoroutineType", "AsyncGeneratorType", "ModuleType",   "BuiltinFunctionType",
};

static const char *const of_data[] = {
    "bool",
    "int",
    "float",
    "complex",
    "str",
    "bytes",
    "bytearray",
    "memoryview",
    "list",
    "tuple",
    "dict",
    "set",
    "frozenset",
    "range",
    "slice",
    "object",
    "enumerate",
    "map",
    "filter",
    "zip",
    "reversed",
    "NoneType",
    "EllipsisType",
    "NotImplementedType",
    "FunctionType",
    "MethodType",
    "GeneratorType",
    "CoroutineType",
    "AsyncGeneratorType",
    "BuiltinFunctionType",
};

static int add_known(PyObject *name, PyObject *object)
{
    if (PyDict_SetItem(known.by_name, name, object) < 0)
        return -1;
    return PyDict_SetItem(known.names, object, name);
}

static int add_builtins(void)
{
    PyObject *builtins = PyImport_ImportModule("builtins"), *name, *object;
    PyObject *dict = builtins ? PyModule_GetDict(builtins) : NULL;
    Py_ssize_t at = 0;
    int rc = dict ? 0 : -1;
    while (rc == 0 && PyDict_Next(dict, &at, &name, &object)) {
        bool type = PyType_Check(object) && PyUnicode_CompareWithASCIIString(name, "__loader__");
        if (PyUnicode_READ_CHAR(name, 0) == '_' && !PyExceptionClass_Check(object))
            continue;
        /* IOError and EnvironmentError are second names of OSError. */
        if ((type || PyCFunction_CheckExact(object)) && !PyDict_Contains(known.names, object))
            rc = add_known(name, object);
    }
    Py_XDECREF(builtins);
    return rc;
}

int value__raise_init(void)
{
    PyObject *types = PyImport_ImportModule("types");
    known.by_name = PyDict_New();
    known.names = PyDict_New();
    known.of_data = PySet_New(NULL);
    known.other_self = PyUnicode_InternFromString(VALUE_OTHER_SELF);
    known.message = PyUnicode_InternFromString(VALUE_MESSAGE);
    int rc =
        types && known.by_name && known.names && known.of_data && known.other_self && known.message
            ? add_builtins()
            : -1;
    for (size_t i = 0; i < COUNT_OF(unnamed) && rc == 0; i++) {
        PyObject *name = PyUnicode_FromString(unnamed[i]);
        PyObject *type = name ? PyObject_GetAttr(types, name) : NULL;
        rc = type ? add_known(name, type) : -1;
        Py_XDECREF(name);
        Py_XDECREF(type);
    }
    for (size_t i = 0; i < COUNT_OF(of_data) && rc == 0; i++) {
        PyObject *name = PyUnicode_FromString(of_data[i]);
        rc = name ? PySet_Add(known.of_data, name) : -1;
        Py_XDECREF(name);
    }
    Py_XDECREF(types);
    return rc;
}

/* ---- by name --------------------------------------------------------------------------------- */

/* Borrowed; NULL when it is not Python's own. Only types and functions of C are hashed here, which
 * runs nobody's code. */
static PyObject *own_name(PyObject *o)
{
    if (Py_TYPE(o) != &PyType_Type && !PyCFunction_CheckExact(o))
        return NULL;
    return PyDict_GetItemWithError(known.names, o);
}

bool value_is_builtin(PyObject *object)
{
    return own_name(object) != NULL;
}

static bool guests_may_name(PyObject *name, PyObject *object)
{
    return PyExceptionClass_Check(object) || PySet_Contains(known.of_data, name) == 1;
}

static int put_exception_class(struct value_writer *w, PyObject *o, int depth)
{
    PyTypeObject *type = (PyTypeObject *)o;
    PyObject *self = PyDict_GetItemWithError(type->tp_dict, known.other_self);
    if (self)
        return value__put(w, self, depth);
    if (!w->hook || !w->hook->encode)
        return -EINVAL;
    TRY(value__put_raw(w, VALUE_EXCEPTION_CLASS, "", 0));
    w->depth = depth;
    TRY(w->hook->encode(w->hook->ctx, o, w));
    PyObject *module = PyDict_GetItemString(type->tp_dict, "__module__");
    TRY(value__put(w, module && PyUnicode_Check(module) ? module : Py_None, depth));
    const char *dot = strrchr(type->tp_name, '.');
    TRY(value__put_new(w, PyUnicode_FromString(dot ? dot + 1 : type->tp_name), depth));
    PyObject *bases = PyList_New(0);
    for (Py_ssize_t i = 0; bases && i < PyTuple_GET_SIZE(type->tp_bases); i++) {
        PyObject *base = PyTuple_GET_ITEM(type->tp_bases, i);
        if (PyExceptionClass_Check(base) && PyList_Append(bases, base) < 0)
            Py_CLEAR(bases);
    }
    PyObject *tuple = bases ? PyList_AsTuple(bases) : NULL;
    Py_XDECREF(bases);
    return value__put_new(w, tuple, depth);
}

int value__put_type(struct value_writer *w, PyObject *o, int depth)
{
    PyObject *name = own_name(o);
    if (name && ((w->hook && w->hook->is_judge) || guests_may_name(name, o)))
        return value__put_text(w, VALUE_BUILTIN, name);
    if (PyExceptionClass_Check(o) && !name)
        return put_exception_class(w, o, depth + 1);
    return -ENOTSUP;
}

PyObject *value__get_builtin(struct value_reader *r)
{
    uint32_t n;
    const uint8_t *p = value__take_sized(r, &n);
    PyObject *name = p ? PyUnicode_DecodeUTF8((const char *)p, n, "strict") : NULL;
    PyObject *found = name ? PyDict_GetItemWithError(known.by_name, name) : NULL;
    bool any = r->hook && !r->hook->is_judge;
    if (found && !any && !guests_may_name(name, found))
        found = NULL;
    Py_XDECREF(name);
    return found ? Py_NewRef(found) : value__bad(r, -EBADMSG);
}

PyObject *value__get_exception_class(struct value_reader *r, int depth)
{
    PyObject *part[4] = {NULL, NULL, NULL, NULL}, *class = NULL;
    int i = 0;
    while (i < 4 && (part[i] = value__get(r, depth)))
        i++;
    bool fits = i == 4 && PyUnicode_CheckExact(part[2]) && PyTuple_CheckExact(part[3]) && r->hook &&
                r->hook->exception_class;
    for (Py_ssize_t k = 0; fits && k < PyTuple_GET_SIZE(part[3]); k++)
        fits = PyExceptionClass_Check(PyTuple_GET_ITEM(part[3], k));
    if (fits)
        class = r->hook->exception_class(r->hook->ctx, part[0], part[1], part[2], part[3]);
    else
        value__bad(r, -EBADMSG);
    while (i > 0)
        Py_DECREF(part[--i]);
    return class;
}

/* ---- exceptions ------------------------------------------------------------------------------ */

/* What was set on it; what cannot cross is left out. */
static int put_attributes(struct value_writer *w, PyObject *dict, int depth)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    uint32_t n = 0;
    TRY(value__put_raw(w, VALUE_DICT, &n, sizeof n));
    size_t count_at = w->out->len - sizeof n;
    value__memo_add(w->memo, NULL); /* the reader's dict has a number too */
    while (dict && n < ATTRIBUTES_MAX && PyDict_Next(dict, &at, &key, &value)) {
        if (!PyUnicode_CheckExact(key) || PyUnicode_Compare(key, known.message) == 0)
            continue;
        size_t mark = w->out->len;
        uint32_t nodes = w->nodes, containers = w->memo->n;
        int rc = value__put(w, key, depth);
        if (rc == 0)
            rc = value__put(w, value, depth);
        if (rc == -ENOMEM)
            return rc;
        if (rc < 0) {
            w->out->len = mark;
            w->nodes = nodes;
            value__memo_shrink(w->memo, containers);
        }
        n += rc == 0;
    }
    memcpy(w->out->s + count_at, &n, sizeof n);
    return 0;
}

/* str(object) cut to a length, None when it has none. New reference, or NULL with an error. */
static PyObject *message_of(PyObject *o)
{
    PyObject *text = PyObject_Str(o);
    PyObject *cut = text ? PyUnicode_Substring(text, 0, MESSAGE_CHARS_MAX) : NULL;
    Py_XDECREF(text);
    if (cut)
        return cut;
    PyErr_Clear();
    return Py_NewRef(Py_None);
}

/* The arguments that make it: an OSError keeps its file name apart. New reference. */
static PyObject *args_of(PyObject *o)
{
    PyObject *args = ((PyBaseExceptionObject *)o)->args;
    if (!args || !PyTuple_Check(args))
        return PyTuple_New(0);
    const PyOSErrorObject *os = (PyOSErrorObject *)o;
    if (PyObject_TypeCheck(o, (PyTypeObject *)PyExc_OSError) && PyTuple_GET_SIZE(args) == 2 &&
        os->filename)
        return PyTuple_Pack(3, PyTuple_GET_ITEM(args, 0), PyTuple_GET_ITEM(args, 1), os->filename);
    return PyTuple_GetSlice(args, 0, PyTuple_GET_SIZE(args));
}

int value__put_exception(struct value_writer *w, PyObject *o, int depth)
{
    const PyBaseExceptionObject *e = (PyBaseExceptionObject *)o;
    PyObject *self = e->dict ? PyDict_GetItemWithError(e->dict, known.other_self) : NULL;
    if (self)
        return value__put(w, self, depth);
    bool made = !value_is_builtin((PyObject *)Py_TYPE(o)), tells = made && w->hook;
    TRY(value__put_raw(w, VALUE_EXCEPTION, "", 0));
    TRY(value__put(w, (PyObject *)Py_TYPE(o), depth));
    TRY(value__put_new(w, args_of(o), depth));
    TRY(put_attributes(w, e->dict, depth));
    TRY(value__put_new(w, tells ? message_of(o) : Py_NewRef(Py_None), depth));
    TRY(value__put(w, e->cause && depth < VALUE_DEPTH_MAX / 2 ? e->cause : Py_None, depth));
    w->depth = depth;
    return tells ? w->hook->encode(w->hook->ctx, o, w) : value__put(w, Py_None, depth);
}

/* An object of the class, with these arguments, made as the nearest class of C below it makes its
 * own. */
static PyObject *rebuilt(PyTypeObject *class, PyObject *args)
{
    PyTypeObject *base = class;
    while (base->tp_flags & Py_TPFLAGS_HEAPTYPE)
        base = base->tp_base;
    PyObject *made = base->tp_new(class, args, NULL);
    if (made && base->tp_init(made, args, NULL) < 0)
        Py_CLEAR(made);
    if (!made) {
        PyErr_Clear();
        made = ((PyTypeObject *)PyExc_BaseException)->tp_new(class, args, NULL);
        if (made)
            Py_XSETREF(((PyBaseExceptionObject *)made)->args, Py_NewRef(args));
    }
    return made;
}

static int remember(PyObject *dict, PyObject *key, PyObject *value)
{
    return value == Py_None ? 0 : PyDict_SetItem(dict, key, value);
}

PyObject *value__get_exception(struct value_reader *r, int depth)
{
    PyObject *part[6] = {NULL}, *made = NULL;
    int i = 0;
    bool names_other = false; /* an object of the other side, or nothing: never data */
    while (i < 6) {
        if (i == 5 && r->at < r->end)
            names_other =
                *r->at == VALUE_NONE || *r->at == VALUE_HANDLE || *r->at == VALUE_CALLABLE;
        if (!(part[i] = value__get(r, depth)))
            break;
        i++;
    }
    PyObject *class = part[0], *args = part[1], *dict = part[2], *cause = part[4];
    bool fits = i == 6 && names_other && PyExceptionClass_Check(class) &&
                PyTuple_CheckExact(args) && PyDict_CheckExact(dict) &&
                (cause == Py_None || PyExceptionInstance_Check(cause));
    if (fits)
        made = rebuilt((PyTypeObject *)class, args);
    if (made && PyExceptionInstance_Check(made)) {
        PyBaseExceptionObject *e = (PyBaseExceptionObject *)made;
        if (remember(dict, known.message, part[3]) < 0 ||
            remember(dict, known.other_self, part[5]) < 0)
            Py_CLEAR(made);
        else if (PyDict_GET_SIZE(dict) > 0)
            Py_XSETREF(e->dict, Py_NewRef(dict));
        if (made && cause != Py_None)
            PyException_SetCause(made, Py_NewRef(cause));
    } else {
        Py_CLEAR(made);
        value__bad(r, -EBADMSG);
    }
    while (i > 0)
        Py_DECREF(part[--i]);
    return made;
}
