/* value_write.c: plain Python data as bytes (tags in wire.h), written with the C API alone.
 *
 * Writing never calls a method that a program could have replaced: sizes and items are read from
 * the stored object, so an int that claims to equal everything still crosses as the int it is.
 * What cannot be read that way crosses as a foreign object, by the hook.
 *
 * Containers that can change (list, dict, set, bytearray, deque, array) are numbered as they come;
 * a second occurrence is a reference. Each occurrence counts as many nodes as a tree would have
 * there, so that fifty lists of two references are as large as they are to whoever walks them. */
#include <stdlib.h>

#include "sandbox/value_parts.h"
#include "value_array.h"

/* Memory is asked for in a way that can fail: it is the program's limit that is reached. */
int value__room(struct value_writer *w, size_t more)
{
    struct buf *b = w->out;
    if (more > w->bytes_max || b->len - w->first > w->bytes_max - more)
        return -E2BIG;
    if (b->len + more < b->cap)
        return 0;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < b->len + more + 1)
        cap *= 2;
    char *s = realloc(b->s, cap);
    if (!s)
        return -ENOMEM;
    b->s = s;
    b->cap = cap;
    return 0;
}

int value__put_raw(struct value_writer *w, uint8_t tag, const void *bytes, size_t n)
{
    TRY(value__room(w, n + 1));
    buf_char(w->out, (char)tag);
    buf_add(w->out, bytes, n);
    return 0;
}

int value__put_sized(struct value_writer *w, uint8_t tag, const void *bytes, size_t n)
{
    TRY(value__room(w, n + 5));
    uint32_t len = (uint32_t)n;
    buf_char(w->out, (char)tag);
    buf_add(w->out, &len, sizeof len);
    buf_add(w->out, bytes, n);
    return 0;
}

int value__put_kind(struct value_writer *w, uint8_t kind)
{
    return value__put_raw(w, VALUE_KIND, &kind, 1);
}

int value__put_int(struct value_writer *w, PyObject *o)
{
    int overflow;
    long long small = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (!overflow)
        return value__put_raw(w, VALUE_INT, &small, sizeof small);
    size_t bits = _PyLong_NumBits(o);
    if (bits == (size_t)-1)
        return -E2BIG;
    size_t n = bits / 8 + 1;
    TRY(value__room(w, n + 5));
    unsigned char *bytes = calloc(n, 1);
    if (!bytes)
        return -ENOMEM;
    int rc = _PyLong_AsByteArray((PyLongObject *)o, bytes, n, 1, 1);
    if (rc == 0)
        rc = value__put_sized(w, VALUE_BIGINT, bytes, n);
    free(bytes);
    return rc < 0 ? -E2BIG : 0;
}

int value__put_text(struct value_writer *w, uint8_t tag, PyObject *o)
{
    if (PyUnicode_READY(o) != 0)
        return -ENOMEM;
    if (PyUnicode_IS_COMPACT_ASCII(o))
        return value__put_sized(w, tag, PyUnicode_1BYTE_DATA(o), (size_t)PyUnicode_GET_LENGTH(o));
    TRY(value__room(w, (size_t)PyUnicode_GET_LENGTH(o)));
    PyObject *bytes = PyUnicode_AsEncodedString(o, "utf-8", "surrogatepass");
    if (!bytes || !PyBytes_Check(bytes)) {
        int rc = PyErr_ExceptionMatches(PyExc_MemoryError) ? -ENOMEM : -EINVAL;
        Py_XDECREF(bytes);
        return rc;
    }
    int rc = value__put_sized(w, tag, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    Py_DECREF(bytes);
    return rc;
}

int value__put_new(struct value_writer *w, PyObject *fresh, int depth)
{
    int rc = !fresh ? PyErr_ExceptionMatches(PyExc_MemoryError) ? -ENOMEM : -EINVAL
                    : value__put(w, fresh, depth);
    Py_XDECREF(fresh);
    return rc;
}

static int put_count(struct value_writer *w, uint8_t tag, Py_ssize_t n)
{
    if (n < 0 || n > VALUE_NODES_MAX)
        return -E2BIG;
    uint32_t count = (uint32_t)n;
    return value__put_raw(w, tag, &count, sizeof count);
}

/* ---- containers ------------------------------------------------------------------------------ */

/* An OrderedDict keeps its order beside the table: its own C iterator knows it. */
static int put_ordered_items(struct value_writer *w, PyObject *o, int depth)
{
    PyObject *iter = PyODict_Type.tp_iter(o), *key;
    int rc = iter ? 0 : -EINVAL;
    while (rc == 0 && (key = PyIter_Next(iter))) {
        PyObject *item = PyDict_GetItemWithError(o, key);
        rc = item ? value__put(w, key, depth) : -EINVAL;
        if (rc == 0)
            rc = value__put(w, item, depth);
        Py_DECREF(key);
    }
    Py_XDECREF(iter);
    return PyErr_Occurred() ? -EINVAL : rc;
}

/* A Counter and its like are dicts with a kind in front, a defaultdict with its factory too. */
static int put_dict(struct value_writer *w, PyObject *o, int depth)
{
    int kind = value__dict_kind(o);
    if (kind)
        TRY(value__put_kind(w, (uint8_t)kind));
    if (kind == VALUE_KIND_DEFAULT_DICT)
        TRY(value__put_new(w, PyObject_GetAttrString(o, "default_factory"), depth));
    TRY(put_count(w, VALUE_DICT, PyDict_GET_SIZE(o)));
    if (PyODict_Check(o))
        return put_ordered_items(w, o, depth);
    PyObject *key, *item;
    Py_ssize_t at = 0;
    while (PyDict_Next(o, &at, &key, &item)) {
        TRY(value__put(w, key, depth));
        TRY(value__put(w, item, depth));
    }
    return 0;
}

static int put_set(struct value_writer *w, PyObject *o, int depth)
{
    TRY(put_count(w, PyFrozenSet_Check(o) ? VALUE_FROZENSET : VALUE_SET, PySet_GET_SIZE(o)));
    PyObject *item;
    Py_ssize_t at = 0;
    Py_hash_t hash;
    while (_PySet_NextEntry(o, &at, &item, &hash))
        TRY(value__put(w, item, depth));
    return 0;
}

static int put_sequence(struct value_writer *w, PyObject *o, int depth)
{
    bool list = PyList_Check(o);
    TRY(put_count(w, list ? VALUE_LIST : VALUE_TUPLE, Py_SIZE(o)));
    for (Py_ssize_t i = 0; i < Py_SIZE(o); i++)
        TRY(value__put(w, list ? PyList_GET_ITEM(o, i) : PyTuple_GET_ITEM(o, i), depth));
    return 0;
}

/* A tuple with named fields stays one. */
static int put_tuple(struct value_writer *w, PyObject *o, int depth)
{
    int rc = PyTuple_CheckExact(o) ? -ENOTSUP : value__put_named_tuple(w, o, depth);
    return rc == -ENOTSUP ? put_sequence(w, o, depth) : rc;
}

static bool is_container(PyObject *o)
{
    return PyList_Check(o) || PyDict_Check(o) || PySet_Check(o) || PyByteArray_Check(o) ||
           value__is_deque(o) || value__is_array(o);
}

static int put_body(struct value_writer *w, PyObject *o, int depth)
{
    if (PyList_Check(o))
        return put_sequence(w, o, depth);
    if (PyDict_Check(o))
        return put_dict(w, o, depth);
    if (PySet_Check(o))
        return put_set(w, o, depth);
    if (PyByteArray_Check(o))
        return value__put_sized(w, VALUE_BYTEARRAY, PyByteArray_AS_STRING(o),
                                (size_t)PyByteArray_GET_SIZE(o));
    return value__is_deque(o) ? value__put_deque(w, o, depth) : value__put_array(w, o);
}

static int put_container(struct value_writer *w, PyObject *o, int depth)
{
    struct value_memo *m = w->memo;
    uint32_t number, before = w->nodes;
    if (m->flat)
        return put_body(w, o, depth + 1);
    if (value__memo_find(m, o, &number)) {
        if (m->sizes[number] == 0)
            return -ELOOP; /* it holds itself */
        if (m->sizes[number] > VALUE_NODES_MAX - w->nodes)
            return -E2BIG;
        w->nodes += m->sizes[number] - 1;
        return value__put_raw(w, VALUE_REF, &number, sizeof number);
    }
    number = value__memo_add(m, o);
    TRY(put_body(w, o, depth + 1));
    m->sizes[number] = w->nodes - before + 1;
    return 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

int value_put_foreign(struct value_writer *w, uint8_t tag, uint32_t number, uint8_t flags,
                      PyObject *about)
{
    uint8_t head[5];
    memcpy(head, &number, sizeof number);
    head[4] = flags;
    TRY(value__put_raw(w, tag, head, sizeof head));
    return value__put(w, about ? about : Py_None, w->depth + 1);
}

static int put_uncommon(struct value_writer *w, PyObject *o, int depth)
{
    int rc = value__put_module(w, o, depth);
    if (rc == -ENOTSUP)
        rc = value__put_kinds(w, o, depth);
    if (rc == -ENOTSUP)
        rc = value__put_type(w, o, depth);
    if (rc != -ENOTSUP)
        return rc;
    if (PyExceptionInstance_Check(o))
        return value__put_exception(w, o, depth + 1);
    w->depth = depth;
    return w->hook && w->hook->encode ? w->hook->encode(w->hook->ctx, o, w) : -EINVAL;
}

/* -ENOTSUP: not numpy's after all. */
static int put_numpy(struct value_writer *w, PyObject *o)
{
    uint32_t n = 0;
    size_t mark = w->out->len;
    TRY(value__put_raw(w, VALUE_NUMPY, &n, sizeof n));
    size_t first = w->out->len;
    int rc = value_array_write(o, w->bytes_max - (first - w->first), w->out);
    n = (uint32_t)(w->out->len - first);
    memcpy(w->out->s + first - sizeof n, &n, sizeof n);
    if (rc == -ENOTSUP)
        w->out->len = mark;
    return rc;
}

int value__put(struct value_writer *w, PyObject *o, int depth)
{
    if (++w->nodes > VALUE_NODES_MAX)
        return -E2BIG;
    if (depth >= VALUE_DEPTH_MAX)
        return -ELOOP;
    if (o == Py_None)
        return value__put_raw(w, VALUE_NONE, "", 0);
    if (PyBool_Check(o))
        return value__put_raw(w, o == Py_True ? VALUE_TRUE : VALUE_FALSE, "", 0);
    int rc = value_array_is(o) ? put_numpy(w, o) : -ENOTSUP;
    if (rc != -ENOTSUP)
        return rc;
    if (PyLong_Check(o))
        return value__put_int(w, o);
    if (PyUnicode_Check(o))
        return value__put_text(w, VALUE_STR, o);
    if (PyTuple_Check(o))
        return put_tuple(w, o, depth + 1);
    if (is_container(o))
        return put_container(w, o, depth);
    if (PyFrozenSet_Check(o))
        return put_set(w, o, depth + 1);
    if (PyFloat_Check(o)) {
        double x = PyFloat_AS_DOUBLE(o);
        return value__put_raw(w, VALUE_FLOAT, &x, sizeof x);
    }
    if (PyComplex_Check(o)) {
        Py_complex z = ((PyComplexObject *)o)->cval;
        return value__put_raw(w, VALUE_COMPLEX, &z, sizeof z);
    }
    if (PyBytes_Check(o))
        return value__put_sized(w, VALUE_BYTES, PyBytes_AS_STRING(o), (size_t)PyBytes_GET_SIZE(o));
    return put_uncommon(w, o, depth);
}

int value_encode_with(struct value_memo *memo, PyObject *object, const struct value_hook *hook,
                      size_t bytes_max, struct buf *out)
{
    struct value_writer w = {
        .out = out, .hook = hook, .memo = memo, .first = out->len, .bytes_max = bytes_max};
    int rc = value__put(&w, object, 0);
    PyErr_Clear();
    return rc;
}

int value_encode(PyObject *object, const struct value_hook *hook, size_t bytes_max, struct buf *out)
{
    struct value_memo memo = {0};
    int rc = value_encode_with(&memo, object, hook, bytes_max, out);
    value_memo_free(&memo);
    return rc;
}

/* References among the containers count one node here: each is walked on its own. */
int value_encode_contents(struct value_memo *memo, const struct value_hook *hook, size_t bytes_max,
                          struct buf *out)
{
    struct value_writer w = {
        .out = out, .hook = hook, .memo = memo, .first = out->len, .bytes_max = bytes_max};
    const uint32_t n = memo->n;
    uint32_t *sizes = xcalloc(n, sizeof *sizes);
    if (n)
        memcpy(sizes, memo->sizes, n * sizeof *sizes);
    for (uint32_t i = 0; i < n; i++)
        memo->sizes[i] = 1;
    int rc = value__room(&w, sizeof n);
    if (rc == 0)
        buf_add(out, &n, sizeof n);
    for (uint32_t i = 0; i < n && rc == 0; i++)
        rc = ++w.nodes > VALUE_NODES_MAX ? -E2BIG : put_body(&w, memo->objects[i], 1);
    PyErr_Clear();
    value__memo_shrink(memo, n);
    if (n)
        memcpy(memo->sizes, sizes, n * sizeof *sizes);
    free(sizes);
    return rc;
}

static int put_address(void *ctx, PyObject *object, struct value_writer *w)
{
    uint64_t address = (uintptr_t)object;
    (void)ctx;
    return value_put_foreign(w, VALUE_HANDLE, (uint32_t)(address >> 4), (uint8_t)(address >> 36),
                             NULL);
}

void value_fingerprint(struct value_memo *memo, PyObject *root, struct buf *out)
{
    const struct value_hook hook = {.encode = put_address};
    if (value_encode_with(memo, root, &hook, WIRE_GUEST_BYTES_MAX, out) < 0)
        buf_clear(out);
}

int value_encode_changes(struct value_memo *memo, PyObject *root, struct str before,
                         const struct value_hook *hook, size_t bytes_max, struct buf *out)
{
    struct value_memo now = {0};
    struct buf after = {0};
    value_fingerprint(&now, root, &after);
    bool same = str_eq(buf_view(&after), before) && now.n == memo->n;
    for (uint32_t i = 0; same && i < now.n; i++)
        same = now.objects[i] == memo->objects[i];
    value_memo_free(&now);
    buf_free(&after);
    if (same)
        return 0;
    int rc = value_encode_contents(memo, hook, bytes_max, out);
    return rc < 0 ? rc : 1;
}
