/* value_read.c: bytes from the other side as Python objects.
 *
 * Reading trusts nothing at all: every length is held against the bytes that are left, depth and
 * node counts are capped, a reference counts as many nodes as what it refers to, and a table whose
 * keys all share one hash (an attack on the reader's time) is refused. */
#include <stdlib.h>

#include "sandbox/value_parts.h"
#include "value_array.h"

enum {
    TABLE_SMALL = 512,          /* below this even a table of colliding keys is cheap */
    TABLE_COLLISIONS_MAX = 256, /* keys of one hash value in a larger table */
};

PyObject *value__bad(struct value_reader *r, int code)
{
    if (r->code == 0)
        r->code = code;
    return NULL;
}

const uint8_t *value__take(struct value_reader *r, size_t n)
{
    if ((size_t)(r->end - r->at) < n) {
        value__bad(r, -EBADMSG);
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += n;
    return p;
}

static bool take_u32(struct value_reader *r, uint32_t *ret)
{
    const uint8_t *p = value__take(r, sizeof *ret);
    if (p)
        memcpy(ret, p, sizeof *ret);
    return p != NULL;
}

const uint8_t *value__take_sized(struct value_reader *r, uint32_t *ret_n)
{
    return take_u32(r, ret_n) ? value__take(r, *ret_n) : NULL;
}

/* An item count: each item takes at least one byte and one node, so a lie is caught before
 * memory is asked for. */
static bool take_count(struct value_reader *r, uint32_t per_item, uint32_t *ret_n)
{
    uint32_t n;
    if (!take_u32(r, &n))
        return false;
    if (n > VALUE_NODES_MAX || n * per_item > (size_t)(r->end - r->at) ||
        n * per_item > VALUE_NODES_MAX - r->nodes) {
        value__bad(r, -EBADMSG);
        return false;
    }
    *ret_n = n;
    return true;
}

static PyObject *get_tuple(struct value_reader *r, int depth)
{
    uint32_t n;
    PyObject *tuple = take_count(r, 1, &n) ? PyTuple_New(n) : NULL;
    for (uint32_t i = 0; tuple && i < n; i++) {
        PyObject *item = value__get(r, depth);
        if (!item)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, item);
    }
    return tuple;
}

static PyObject *get_list(struct value_reader *r, int depth)
{
    uint32_t n;
    PyObject *list = take_count(r, 1, &n) ? PyList_New(n) : NULL;
    for (uint32_t i = 0; list && i < n; i++) {
        PyObject *item = value__get(r, depth);
        if (!item)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

static int by_hash(const void *a, const void *b)
{
    Py_hash_t x = *(const Py_hash_t *)a, y = *(const Py_hash_t *)b;
    return (x > y) - (x < y);
}

/* Filling a table takes quadratic time when its keys share one hash, and a sender can choose
 * keys so. */
bool value__keys_spread(PyObject *keys, Py_ssize_t step)
{
    Py_ssize_t n = PyTuple_GET_SIZE(keys) / step, run = 1;
    if (n <= TABLE_SMALL)
        return true;
    Py_hash_t *hashes = xcalloc((size_t)n, sizeof *hashes);
    bool spread = true;
    for (Py_ssize_t i = 0; i < n && spread; i++) {
        hashes[i] = PyObject_Hash(PyTuple_GET_ITEM(keys, i * step));
        spread = hashes[i] != -1;
    }
    if (spread)
        qsort(hashes, (size_t)n, sizeof *hashes, by_hash);
    for (Py_ssize_t i = 1; i < n && spread; i++) {
        run = hashes[i] == hashes[i - 1] ? run + 1 : 1;
        spread = run <= TABLE_COLLISIONS_MAX;
    }
    free(hashes);
    return spread;
}

/* The items of a table: `per_item` values each, in a row. */
static PyObject *get_flat(struct value_reader *r, uint32_t per_item, int depth)
{
    uint32_t n;
    PyObject *flat = take_count(r, per_item, &n) ? PyTuple_New((Py_ssize_t)n * per_item) : NULL;
    for (uint32_t i = 0; flat && i < n * per_item; i++) {
        PyObject *item = value__get(r, depth);
        if (!item)
            Py_CLEAR(flat);
        else
            PyTuple_SET_ITEM(flat, i, item);
    }
    if (flat && !value__keys_spread(flat, per_item))
        Py_CLEAR(flat);
    return flat;
}

/* To find out which of its members are the same is the program's work, not the reader's. */
PyObject *value__distinct(const struct value_reader *r, PyObject *made, Py_ssize_t n)
{
    const bool trusted = r->hook && !r->hook->is_judge; /* the judge is who has sent it */
    if (made && !trusted && PyObject_Size(made) != n)
        Py_CLEAR(made);
    return made;
}

static PyObject *get_dict(struct value_reader *r, int depth)
{
    PyObject *flat = get_flat(r, 2, depth), *dict = flat ? PyDict_New() : NULL;
    if (dict && value__fill(dict, flat) != 0)
        Py_CLEAR(dict);
    dict = flat ? value__distinct(r, dict, PyTuple_GET_SIZE(flat) / 2) : NULL;
    Py_XDECREF(flat);
    return dict;
}

/* One of collections' dicts: the factory of a defaultdict, then the dict. */
static PyObject *get_dict_of(struct value_reader *r, int kind, int depth)
{
    PyObject *factory = kind == VALUE_KIND_DEFAULT_DICT ? value__get(r, depth) : Py_NewRef(Py_None);
    const uint8_t *tag = factory ? value__take(r, 1) : NULL;
    PyObject *flat = NULL, *dict = NULL;
    if (tag && *tag == VALUE_DICT)
        flat = get_flat(r, 2, depth);
    else if (tag)
        value__bad(r, -EBADMSG);
    if (flat)
        dict = value__new_dict(kind, factory);
    if (dict && value__fill(dict, flat) != 0)
        Py_CLEAR(dict);
    dict = flat ? value__distinct(r, dict, PyTuple_GET_SIZE(flat) / 2) : NULL;
    Py_XDECREF(factory);
    Py_XDECREF(flat);
    return dict;
}

static PyObject *get_set(struct value_reader *r, uint8_t tag, int depth)
{
    PyObject *flat = get_flat(r, 1, depth), *set = NULL;
    if (flat)
        set = tag == VALUE_SET ? PySet_New(flat) : PyFrozenSet_New(flat);
    set = flat ? value__distinct(r, set, PyTuple_GET_SIZE(flat)) : NULL;
    Py_XDECREF(flat);
    return set;
}

PyObject *value__get_int(struct value_reader *r, uint8_t tag, uint32_t bytes_max)
{
    uint32_t n = sizeof(int64_t);
    const uint8_t *p = tag == VALUE_INT ? value__take(r, n) : value__take_sized(r, &n);
    if (!p || n > bytes_max)
        return value__bad(r, -EBADMSG);
    return _PyLong_FromByteArray(p, n, 1, 1);
}

static PyObject *get_text(struct value_reader *r, uint8_t tag)
{
    uint32_t n;
    const uint8_t *p = value__take_sized(r, &n);
    if (!p)
        return NULL;
    if (tag == VALUE_BYTES)
        return PyBytes_FromStringAndSize((const char *)p, n);
    if (tag == VALUE_BYTEARRAY)
        return PyByteArray_FromStringAndSize((const char *)p, n);
    return PyUnicode_DecodeUTF8((const char *)p, n, "surrogatepass");
}

static PyObject *get_number(struct value_reader *r, uint8_t tag)
{
    double x[2];
    size_t n = tag == VALUE_FLOAT ? sizeof(double) : sizeof x;
    const uint8_t *p = value__take(r, n);
    if (!p)
        return NULL;
    memcpy(x, p, n);
    return tag == VALUE_FLOAT ? PyFloat_FromDouble(x[0]) : PyComplex_FromDoubles(x[0], x[1]);
}

static PyObject *get_numpy(struct value_reader *r)
{
    uint32_t n;
    const uint8_t *bytes = value__take_sized(r, &n);
    return bytes ? value_array_read(bytes, n) : NULL;
}

static PyObject *get_reference(struct value_reader *r)
{
    const struct value_memo *m = r->memo;
    uint32_t number;
    if (!take_u32(r, &number) || m->flat || number >= m->n || !m->objects[number] ||
        m->sizes[number] > VALUE_NODES_MAX - r->nodes)
        return value__bad(r, -EBADMSG);
    r->nodes += m->sizes[number] - 1;
    return Py_NewRef(m->objects[number]);
}

static PyObject *get_foreign(struct value_reader *r, uint8_t tag, int depth)
{
    struct value_foreign what = {.tag = tag};
    const uint8_t *flags = take_u32(r, &what.number) ? value__take(r, 1) : NULL;
    if (!flags || !r->hook || !r->hook->decode)
        return value__bad(r, -EBADMSG);
    what.flags = *flags;
    what.about = value__get(r, depth);
    PyObject *object = what.about ? r->hook->decode(r->hook->ctx, &what) : NULL;
    Py_XDECREF(what.about);
    return object;
}

static PyObject *get_container(struct value_reader *r, uint8_t tag, int depth)
{
    uint32_t number = r->as, before = r->nodes;
    PyObject *made;
    r->as = NEW_CONTAINER;
    if (number == NEW_CONTAINER && !r->memo->flat)
        number = value__memo_add(r->memo, NULL);
    const uint8_t *kind = NULL;
    if (tag == VALUE_LIST)
        made = get_list(r, depth);
    else if (tag == VALUE_DICT)
        made = get_dict(r, depth);
    else if (tag == VALUE_SET)
        made = get_set(r, tag, depth);
    else if (tag == VALUE_BYTEARRAY)
        made = get_text(r, tag);
    else if (!(kind = value__take(r, 1)))
        made = NULL;
    else if (*kind >= VALUE_KIND_COUNTER && *kind <= VALUE_KIND_DEFAULT_DICT)
        made = get_dict_of(r, *kind, depth);
    else
        made = value__get_kind(r, *kind, depth);
    if (made && number < r->memo->n && !r->memo->objects[number]) {
        r->memo->objects[number] = Py_NewRef(made);
        r->memo->sizes[number] = r->nodes - before + 1;
    }
    return made;
}

/* Of the kinds only the later ones are containers. */
static PyObject *get_kind(struct value_reader *r, int depth)
{
    if (r->at < r->end && *r->at >= VALUE_KIND_CONTAINERS)
        return get_container(r, VALUE_KIND, depth);
    const uint8_t *kind = value__take(r, 1);
    return kind ? value__get_kind(r, *kind, depth) : NULL;
}

static PyObject *get_by_tag(struct value_reader *r, uint8_t tag, int depth)
{
    switch (tag) {
    case VALUE_NONE:
        return Py_NewRef(Py_None);
    case VALUE_TRUE:
        return Py_NewRef(Py_True);
    case VALUE_FALSE:
        return Py_NewRef(Py_False);
    case VALUE_INT:
    case VALUE_BIGINT:
        return value__get_int(r, tag, UINT32_MAX);
    case VALUE_FLOAT:
    case VALUE_COMPLEX:
        return get_number(r, tag);
    case VALUE_STR:
    case VALUE_BYTES:
        return get_text(r, tag);
    case VALUE_LIST:
    case VALUE_DICT:
    case VALUE_SET:
    case VALUE_BYTEARRAY:
        return get_container(r, tag, depth + 1);
    case VALUE_TUPLE:
        return get_tuple(r, depth + 1);
    case VALUE_FROZENSET:
        return get_set(r, tag, depth + 1);
    case VALUE_REF:
        return get_reference(r);
    case VALUE_KIND:
        return get_kind(r, depth + 1);
    case VALUE_DECIMAL:
        return value__get_decimal(r);
    case VALUE_FRACTION:
        return value__get_fraction(r);
    case VALUE_DATETIME:
        return value__get_datetime(r);
    case VALUE_NUMPY:
        return get_numpy(r);
    case VALUE_BUILTIN:
        return value__get_builtin(r);
    case VALUE_EXCEPTION_CLASS:
        return value__get_exception_class(r, depth + 1);
    case VALUE_EXCEPTION:
        return value__get_exception(r, depth + 1);
    case VALUE_HANDLE:
    case VALUE_CALLABLE:
        return get_foreign(r, tag, depth + 1);
    default:
        return value__bad(r, -EBADMSG);
    }
}

PyObject *value__get(struct value_reader *r, int depth)
{
    const uint8_t *tag = value__take(r, 1);
    if (!tag || ++r->nodes > VALUE_NODES_MAX || depth >= VALUE_DEPTH_MAX)
        return value__bad(r, -EBADMSG);
    return get_by_tag(r, *tag, depth);
}

static int failure(const struct value_reader *r)
{
    int code = r->code ? r->code : PyErr_ExceptionMatches(PyExc_MemoryError) ? -ENOMEM : -EBADMSG;
    PyErr_Clear();
    return code;
}

PyObject *value_decode_with(struct value_memo *memo, const uint8_t **at, const uint8_t *end,
                            const struct value_hook *hook, int *ret_code)
{
    struct value_reader r = {
        .at = *at, .end = end, .hook = hook, .memo = memo, .as = NEW_CONTAINER};
    PyObject *value = value__get(&r, 0);
    if (!value)
        *ret_code = failure(&r);
    else
        *at = r.at;
    return value;
}

PyObject *value_decode(const uint8_t **at, const uint8_t *end, const struct value_hook *hook,
                       int *ret_code)
{
    struct value_memo memo = {0};
    PyObject *value = value_decode_with(&memo, at, end, hook, ret_code);
    value_memo_free(&memo);
    return value;
}

/* ---- bringing containers up to date ---------------------------------------------------------- */

static int done(PyObject *result)
{
    Py_XDECREF(result);
    return result ? 0 : -1;
}

/* Our own containers, hence by their own methods where the type is a library's. */
static int update(PyObject *mine, PyObject *theirs)
{
    if (PyList_Check(mine))
        return PyList_SetSlice(mine, 0, PyList_GET_SIZE(mine), theirs);
    if (PyByteArray_Check(mine)) {
        Py_ssize_t n = PyByteArray_GET_SIZE(theirs);
        if (PyByteArray_Resize(mine, n) < 0)
            return -1;
        memcpy(PyByteArray_AS_STRING(mine), PyByteArray_AS_STRING(theirs), (size_t)n);
        return 0;
    }
    if (PyDict_CheckExact(mine)) {
        PyDict_Clear(mine);
        return PyDict_Update(mine, theirs);
    }
    if (value__is_array(mine))
        return PySequence_SetSlice(mine, 0, PySequence_Size(mine), theirs);
    if (done(PyObject_CallMethod(mine, "clear", NULL)) < 0)
        return -1;
    return done(
        PyObject_CallMethod(mine, value__is_deque(mine) ? "extend" : "update", "O", theirs));
}

static bool same_family(PyObject *a, PyObject *b)
{
    return (PyList_Check(a) && PyList_Check(b)) || (PyDict_Check(a) && PyDict_Check(b)) ||
           (PySet_Check(a) && PySet_Check(b)) || (PyByteArray_Check(a) && PyByteArray_Check(b)) ||
           (value__is_deque(a) && value__is_deque(b)) || (value__is_array(a) && value__is_array(b));
}

int value_decode_contents(struct value_memo *memo, const uint8_t **at, const uint8_t *end,
                          const struct value_hook *hook, int *ret_code)
{
    struct value_reader r = {.at = *at, .end = end, .hook = hook, .memo = memo};
    const uint32_t n = memo->n;
    uint32_t told = 0;
    if (!take_u32(&r, &told) || told != n) {
        *ret_code = -EBADMSG;
        return *ret_code;
    }
    PyObject *fresh = PyList_New(n);
    uint32_t *sizes = xcalloc(n, sizeof *sizes);
    for (uint32_t i = 0; i < n; i++) {
        sizes[i] = memo->sizes[i];
        memo->sizes[i] = 1;
    }
    for (uint32_t i = 0; i < n && fresh; i++) {
        r.as = i;
        PyObject *content = value__get(&r, 0);
        if (!content || r.as == i || !same_family(memo->objects[i], content)) {
            Py_XDECREF(content);
            value__bad(&r, PyErr_ExceptionMatches(PyExc_MemoryError) ? -ENOMEM : -EBADMSG);
            Py_CLEAR(fresh);
        } else {
            PyList_SET_ITEM(fresh, i, content);
        }
    }
    value__memo_shrink(memo, n);
    memcpy(memo->sizes, sizes, n * sizeof *sizes);
    free(sizes);
    for (uint32_t i = 0; i < n && fresh; i++)
        if (update(memo->objects[i], PyList_GET_ITEM(fresh, i)) < 0)
            Py_CLEAR(fresh);
    int rc = fresh ? 0 : failure(&r);
    if (rc == 0)
        *at = r.at;
    else
        *ret_code = rc;
    Py_XDECREF(fresh);
    return rc;
}
