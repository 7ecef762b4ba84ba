/* value_kind.c: values of types that the library has beside the plain ones: what a test compares with
 * its own of the same kind. Only exactly these types: an object of a class below one of them is
 * what it stores, or foreign.
 *
 * Fields after the kind, all values: range, slice: start, stop, step; memoryview: bytes; the views of
 * a dict: list of items; named tuple: name, tuple of field names, tuple; UUID: int; path: str;
 * pattern: pattern, flags; deque: maxlen, list's count and items; array: u8 code + bytes; defaultdict:
 * factory; then, as for Counter and OrderedDict, the dict. */
#include "sandbox/value_parts.h"

static struct {
    PyTypeObject *deque, *array, *counter, *ordered, *defaulting, *pattern;
    PyObject *compile, *named_tuple;
} types;

static PyObject *imported(const char *module, const char *name)
{
    PyObject *m = PyImport_ImportModule(module);
    PyObject *found = m ? PyObject_GetAttrString(m, name) : NULL;
    Py_XDECREF(m);
    return found;
}

int value__kind_init(void)
{
    const struct {
        void *to;
        const char *module, *name;
    } rows[] = {
        {&types.deque, "collections", "deque"},
        {&types.array, "array", "array"},
        {&types.counter, "collections", "Counter"},
        {&types.ordered, "collections", "OrderedDict"},
        {&types.defaulting, "collections", "defaultdict"},
        {&types.named_tuple, "collections", "namedtuple"},
        {&types.pattern, "re", "Pattern"},
        {&types.compile, "re", "compile"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (!(*(PyObject **)rows[i].to = imported(rows[i].module, rows[i].name)))
            return -1;
    return 0;
}

bool value__is_deque(PyObject *o)
{
    return Py_IS_TYPE(o, types.deque);
}

bool value__is_array(PyObject *o)
{
    return Py_IS_TYPE(o, types.array);
}

int value__dict_kind(PyObject *dict)
{
    if (PyDict_CheckExact(dict))
        return 0;
    return Py_IS_TYPE(dict, types.counter)      ? VALUE_KIND_COUNTER
           : Py_IS_TYPE(dict, types.ordered)    ? VALUE_KIND_ORDERED_DICT
           : Py_IS_TYPE(dict, types.defaulting) ? VALUE_KIND_DEFAULT_DICT
                                                : 0;
}

/* A type of a module that is not among those imported beforehand; borrowed, NULL while nobody has
 * imported it. */
static PyTypeObject *lazy_type(const char *module, const char *name, bool import)
{
    PyObject *key = PyUnicode_FromString(module);
    PyObject *m = !key ? NULL : import ? PyImport_Import(key) : PyImport_GetModule(key);
    PyObject *type = m ? PyObject_GetAttrString(m, name) : NULL;
    Py_XDECREF(key);
    Py_XDECREF(m);
    PyErr_Clear();
    if (type && !PyType_Check(type))
        Py_CLEAR(type);
    Py_XDECREF(type); /* its module keeps it */
    return (PyTypeObject *)type;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int put_attributes(struct value_writer *w, uint8_t kind, PyObject *o,
                          const char *const *names, int depth)
{
    TRY(value__put_kind(w, kind));
    for (; *names; names++)
        TRY(value__put_new(w, PyObject_GetAttrString(o, *names), depth));
    return 0;
}

int value__put_deque(struct value_writer *w, PyObject *o, int depth)
{
    TRY(value__put_kind(w, VALUE_KIND_DEQUE));
    TRY(value__put_new(w, PyObject_GetAttrString(o, "maxlen"), depth));
    return value__put_new(w, PySequence_Tuple(o), depth);
}

int value__put_array(struct value_writer *w, PyObject *o)
{
    PyObject *code = PyObject_GetAttrString(o, "typecode");
    PyObject *bytes = code ? PyBytes_FromObject(o) : NULL;
    int rc = bytes ? value__put_kind(w, VALUE_KIND_ARRAY) : -EINVAL;
    if (rc == 0)
        rc = value__put_text(w, VALUE_STR, code);
    if (rc == 0)
        rc = value__put_sized(w, VALUE_BYTES, PyBytes_AS_STRING(bytes),
                              (size_t)PyBytes_GET_SIZE(bytes));
    Py_XDECREF(code);
    Py_XDECREF(bytes);
    return rc;
}

/* Its class says so by a tuple of names, read from the class's own table. */
int value__put_named_tuple(struct value_writer *w, PyObject *o, int depth)
{
    PyObject *fields = NULL;
    PyTypeObject *type = Py_TYPE(o);
    if (Py_TYPE(type) == &PyType_Type && type->tp_base == &PyTuple_Type)
        fields = PyDict_GetItemString(type->tp_dict, "_fields");
    if (!fields || !PyTuple_CheckExact(fields) || PyTuple_GET_SIZE(fields) != Py_SIZE(o))
        return -ENOTSUP;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fields); i++)
        if (!PyUnicode_CheckExact(PyTuple_GET_ITEM(fields, i)))
            return -ENOTSUP;
    TRY(value__put_kind(w, VALUE_KIND_NAMED_TUPLE));
    TRY(value__put_new(w, PyUnicode_FromString(type->tp_name), depth));
    TRY(value__put(w, fields, depth));
    return value__put_new(w, PyTuple_GetSlice(o, 0, Py_SIZE(o)), depth);
}

static int put_view(struct value_writer *w, uint8_t kind, PyObject *o, int depth)
{
    TRY(value__put_kind(w, kind));
    return value__put_new(w, PySequence_Tuple(o), depth);
}

static int put_memoryview(struct value_writer *w, PyObject *o, int depth)
{
    const Py_buffer *b = PyMemoryView_GET_BUFFER(o);
    if (b->ndim != 1 || (b->format && strcmp(b->format, "B") != 0))
        return -ENOTSUP;
    TRY(value__put_kind(w, VALUE_KIND_MEMORYVIEW));
    return value__put_new(w, PyBytes_FromObject(o), depth);
}

static int put_path(struct value_writer *w, PyObject *o, int depth)
{
    bool pure = Py_IS_TYPE(o, lazy_type("pathlib", "PurePosixPath", false));
    if (!pure && !Py_IS_TYPE(o, lazy_type("pathlib", "PosixPath", false)))
        return -ENOTSUP;
    TRY(value__put_kind(w, pure ? VALUE_KIND_PURE_PATH : VALUE_KIND_PATH));
    return value__put_new(w, PyObject_Str(o), depth);
}

int value__put_kinds(struct value_writer *w, PyObject *o, int depth)
{
    static const char *const ends[] = {"start", "stop", "step", NULL};
    static const char *const integer[] = {"int", NULL}, *const regex[] = {"pattern", "flags", NULL};
    const char *name = Py_TYPE(o)->tp_name;
    if (o == Py_Ellipsis)
        return value__put_kind(w, VALUE_KIND_ELLIPSIS);
    if (o == Py_NotImplemented)
        return value__put_kind(w, VALUE_KIND_NOT_IMPLEMENTED);
    if (PyRange_Check(o))
        return put_attributes(w, VALUE_KIND_RANGE, o, ends, depth + 1);
    if (PySlice_Check(o))
        return put_attributes(w, VALUE_KIND_SLICE, o, ends, depth + 1);
    if (PyMemoryView_Check(o))
        return put_memoryview(w, o, depth + 1);
    if (Py_IS_TYPE(o, &PyDictKeys_Type) || Py_IS_TYPE(o, &PyODictKeys_Type))
        return put_view(w, VALUE_KIND_KEYS, o, depth + 1);
    if (Py_IS_TYPE(o, &PyDictValues_Type) || Py_IS_TYPE(o, &PyODictValues_Type))
        return put_view(w, VALUE_KIND_VALUES, o, depth + 1);
    if (Py_IS_TYPE(o, &PyDictItems_Type) || Py_IS_TYPE(o, &PyODictItems_Type))
        return put_view(w, VALUE_KIND_ITEMS, o, depth + 1);
    if (Py_IS_TYPE(o, types.pattern))
        return put_attributes(w, VALUE_KIND_PATTERN, o, regex, depth + 1);
    if (strcmp(name, "UUID") == 0 && Py_IS_TYPE(o, lazy_type("uuid", "UUID", false)))
        return put_attributes(w, VALUE_KIND_UUID, o, integer, depth + 1);
    return strstr(name, "PosixPath") ? put_path(w, o, depth + 1) : -ENOTSUP;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* `n` values in a row as a tuple. */
static PyObject *get_fields(struct value_reader *r, Py_ssize_t n, int depth)
{
    PyObject *fields = PyTuple_New(n);
    for (Py_ssize_t i = 0; i < n && fields; i++) {
        PyObject *field = value__get(r, depth);
        if (field)
            PyTuple_SET_ITEM(fields, i, field);
        else
            Py_CLEAR(fields);
    }
    return fields;
}

/* Calls and lets go of the arguments. */
static PyObject *call(PyObject *callable, PyObject *args)
{
    PyObject *made = callable && args ? PyObject_Call(callable, args, NULL) : NULL;
    Py_XDECREF(args);
    return made;
}

static bool is_index(PyObject *o)
{
    return o == Py_None || PyLong_CheckExact(o);
}

static PyObject *get_range(struct value_reader *r, int depth)
{
    PyObject *f = get_fields(r, 3, depth);
    for (int i = 0; f && i < 3; i++)
        if (!PyLong_CheckExact(PyTuple_GET_ITEM(f, i)))
            Py_CLEAR(f);
    return call((PyObject *)&PyRange_Type, f);
}

static PyObject *get_memoryview(struct value_reader *r, int depth)
{
    PyObject *bytes = value__get(r, depth);
    PyObject *view = bytes && PyBytes_CheckExact(bytes) ? PyMemoryView_FromObject(bytes) : NULL;
    Py_XDECREF(bytes);
    return view;
}

/* A view of a dict made for it. */
static PyObject *get_view(struct value_reader *r, uint8_t kind, int depth)
{
    PyObject *items = value__get(r, depth), *flat = NULL;
    Py_ssize_t n = items && PyTuple_CheckExact(items) ? PyTuple_GET_SIZE(items) : -1;
    PyObject *dict = n >= 0 ? PyDict_New() : NULL;
    if (dict)
        flat = PyTuple_New(2 * n);
    for (Py_ssize_t i = 0; flat && i < n; i++) {
        PyObject *item = PyTuple_GET_ITEM(items, i), *key = item, *value = item;
        if (kind == VALUE_KIND_ITEMS) {
            if (!PyTuple_CheckExact(item) || PyTuple_GET_SIZE(item) != 2) {
                Py_CLEAR(flat);
                break;
            }
            key = PyTuple_GET_ITEM(item, 0);
            value = PyTuple_GET_ITEM(item, 1);
        }
        PyTuple_SET_ITEM(flat, 2 * i,
                         kind == VALUE_KIND_VALUES ? PyLong_FromSsize_t(i) : Py_NewRef(key));
        PyTuple_SET_ITEM(flat, 2 * i + 1, Py_NewRef(value));
    }
    PyObject *view = NULL;
    if (flat && value__keys_spread(flat, 2) && value__fill(dict, flat) == 0)
        view = PyObject_CallMethod(dict,
                                   kind == VALUE_KIND_KEYS     ? "keys"
                                   : kind == VALUE_KIND_VALUES ? "values"
                                                               : "items",
                                   NULL);
    view = value__distinct(r, view, n);
    Py_XDECREF(flat);
    Py_XDECREF(dict);
    Py_XDECREF(items);
    return view;
}

/* Classes by (name, fields), so that two tuples of one class are of one class here too. */
static PyObject *made_tuple_class(PyObject *name, PyObject *fields)
{
    static PyObject *made;
    PyObject *key = PyTuple_Pack(2, name, fields), *class = NULL;
    if (!made)
        made = PyDict_New();
    if (key && made) {
        class = Py_XNewRef(PyDict_GetItemWithError(made, key));
        if (!class && !PyErr_Occurred()) {
            class = PyObject_CallFunctionObjArgs(types.named_tuple, name, fields, NULL);
            if (PyDict_GET_SIZE(made) >= 1000)
                PyDict_Clear(made);
            if (class && PyDict_SetItem(made, key, class) != 0)
                Py_CLEAR(class);
        }
    }
    Py_XDECREF(key);
    return class;
}

/* The class has to be a real one with these fields, or the tuple is a plain one. */
static PyObject *get_named_tuple(struct value_reader *r, int depth)
{
    PyObject *f = get_fields(r, 3, depth), *class = NULL, *made = NULL;
    if (!f || !PyUnicode_CheckExact(PyTuple_GET_ITEM(f, 0)) ||
        !PyTuple_CheckExact(PyTuple_GET_ITEM(f, 1)) || !PyTuple_CheckExact(PyTuple_GET_ITEM(f, 2)))
        goto out;
    PyObject *name = PyTuple_GET_ITEM(f, 0), *fields = PyTuple_GET_ITEM(f, 1);
    if (PyTuple_GET_SIZE(fields) != PyTuple_GET_SIZE(PyTuple_GET_ITEM(f, 2)))
        goto out;
    if (r->hook && r->hook->tuple_class)
        class = r->hook->tuple_class(r->hook->ctx, name, fields);
    if (!class)
        class = made_tuple_class(name, fields);
    PyErr_Clear();
    if (class && PyType_Check(class) && ((PyTypeObject *)class)->tp_base == &PyTuple_Type) {
        PyObject *args = PyTuple_Pack(1, PyTuple_GET_ITEM(f, 2));
        made = args ? PyTuple_Type.tp_new((PyTypeObject *)class, args, NULL) : NULL;
        Py_XDECREF(args);
    } else {
        made = Py_NewRef(PyTuple_GET_ITEM(f, 2));
    }
out:
    Py_XDECREF(class);
    Py_XDECREF(f);
    return made;
}

static PyObject *get_uuid(struct value_reader *r, int depth)
{
    PyObject *number = value__get(r, depth), *made = NULL;
    PyTypeObject *type = lazy_type("uuid", "UUID", true);
    PyObject *none = PyTuple_New(0);
    PyObject *named =
        number && PyLong_CheckExact(number) ? Py_BuildValue("{sO}", "int", number) : NULL;
    if (type && none && named)
        made = PyObject_Call((PyObject *)type, none, named);
    Py_XDECREF(none);
    Py_XDECREF(named);
    Py_XDECREF(number);
    return made;
}

static PyObject *get_path(struct value_reader *r, uint8_t kind, int depth)
{
    PyObject *f = get_fields(r, 1, depth);
    if (f && !PyUnicode_CheckExact(PyTuple_GET_ITEM(f, 0)))
        Py_CLEAR(f);
    const char *name = kind == VALUE_KIND_PATH ? "PosixPath" : "PurePosixPath";
    return call(f ? (PyObject *)lazy_type("pathlib", name, true) : NULL, f);
}

static PyObject *get_pattern(struct value_reader *r, int depth)
{
    const long harmless = 2 | 4 | 8 | 16 | 32 | 64 | 256; /* all but DEBUG, which prints */
    PyObject *f = get_fields(r, 2, depth), *text = f ? PyTuple_GET_ITEM(f, 0) : NULL;
    bool fits = text && PyLong_CheckExact(PyTuple_GET_ITEM(f, 1)) &&
                (PyLong_AsLong(PyTuple_GET_ITEM(f, 1)) & ~harmless) == 0 &&
                (PyUnicode_CheckExact(text) || PyBytes_CheckExact(text)) &&
                PyObject_Size(text) <= PATTERN_BYTES_MAX;
    if (!fits)
        Py_CLEAR(f);
    return call(types.compile, f);
}

static PyObject *get_deque(struct value_reader *r, int depth)
{
    PyObject *f = get_fields(r, 2, depth), *made = NULL;
    if (f && is_index(PyTuple_GET_ITEM(f, 0)) && PyTuple_CheckExact(PyTuple_GET_ITEM(f, 1)))
        made = PyObject_CallFunctionObjArgs((PyObject *)types.deque, PyTuple_GET_ITEM(f, 1),
                                            PyTuple_GET_ITEM(f, 0), NULL);
    Py_XDECREF(f);
    return made;
}

static PyObject *get_array(struct value_reader *r, int depth)
{
    PyObject *f = get_fields(r, 2, depth);
    if (f && (!PyUnicode_CheckExact(PyTuple_GET_ITEM(f, 0)) ||
              !PyBytes_CheckExact(PyTuple_GET_ITEM(f, 1))))
        Py_CLEAR(f);
    return call((PyObject *)types.array, f);
}

static PyObject *get_slice(struct value_reader *r, int depth)
{
    PyObject *f = get_fields(r, 3, depth), *made = NULL;
    if (f)
        made = PySlice_New(PyTuple_GET_ITEM(f, 0), PyTuple_GET_ITEM(f, 1), PyTuple_GET_ITEM(f, 2));
    Py_XDECREF(f);
    return made;
}

PyObject *value__get_kind(struct value_reader *r, uint32_t kind, int depth)
{
    switch (kind) {
    case VALUE_KIND_ELLIPSIS:
        return Py_NewRef(Py_Ellipsis);
    case VALUE_KIND_NOT_IMPLEMENTED:
        return Py_NewRef(Py_NotImplemented);
    case VALUE_KIND_RANGE:
        return get_range(r, depth);
    case VALUE_KIND_SLICE:
        return get_slice(r, depth);
    case VALUE_KIND_MEMORYVIEW:
        return get_memoryview(r, depth);
    case VALUE_KIND_KEYS:
    case VALUE_KIND_VALUES:
    case VALUE_KIND_ITEMS:
        return get_view(r, (uint8_t)kind, depth);
    case VALUE_KIND_NAMED_TUPLE:
        return get_named_tuple(r, depth);
    case VALUE_KIND_UUID:
        return get_uuid(r, depth);
    case VALUE_KIND_PATH:
    case VALUE_KIND_PURE_PATH:
        return get_path(r, (uint8_t)kind, depth);
    case VALUE_KIND_PATTERN:
        return get_pattern(r, depth);
    case VALUE_KIND_DEQUE:
        return get_deque(r, depth);
    case VALUE_KIND_ARRAY:
        return get_array(r, depth);
    default:
        return value__bad(r, -EBADMSG);
    }
}

/* Empty, of that kind. A factory is one of Python's own types or nothing. */
PyObject *value__new_dict(int kind, PyObject *factory)
{
    PyTypeObject *type = kind == VALUE_KIND_COUNTER        ? types.counter
                         : kind == VALUE_KIND_ORDERED_DICT ? types.ordered
                                                           : types.defaulting;
    if (kind != VALUE_KIND_DEFAULT_DICT)
        return PyObject_CallNoArgs((PyObject *)type);
    return PyObject_CallOneArg((PyObject *)type, factory);
}

int value__fill(PyObject *dict, PyObject *flat)
{
    bool ordered = PyODict_Check(dict);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(flat); i += 2) {
        PyObject *key = PyTuple_GET_ITEM(flat, i), *value = PyTuple_GET_ITEM(flat, i + 1);
        int rc = ordered ? PyObject_SetItem(dict, key, value) : PyDict_SetItem(dict, key, value);
        if (rc != 0)
            return -1;
    }
    return 0;
}
