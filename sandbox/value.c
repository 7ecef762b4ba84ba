/* value.c: plain Python data as bytes (tags in wire.h), written and read with the C API alone.
 *
 * Writing never calls a method that a program could have replaced: sizes and items are read from
 * the stored object, so an int that claims to equal everything still crosses as the int it is.
 * Reading trusts nothing at all: every length is held against the bytes that are left, depth and
 * node counts are capped, and a table whose keys all share one hash (an attack on the reader's
 * time) is refused.
 *
 * Layouts that wire.h only names:
 *   D  u32 length + decimal text
 *   R  numerator and denominator, as two integer values
 *   M  u8 kind + fields, each s32:
 *      1 date        year month day
 *      2 time        hour minute second micro fold zone
 *      3 datetime    year month day hour minute second micro fold zone
 *      4 timedelta   days seconds micros
 *      5 timezone    seconds micros
 *      and the zone is 0, or 1 and the fields of kind 5 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <datetime.h>

#include <stdlib.h>

#include "base/check.h"
#include "value.h"
#include "wire.h"

enum {
    FRACTION_BYTES_MAX = 8 << 10, /* reducing a fraction is quadratic in its size */
    DECIMAL_BYTES_MAX = 1 << 20,
    TABLE_SMALL = 512,          /* below this even a table of colliding keys is cheap */
    TABLE_COLLISIONS_MAX = 256, /* keys of one hash value in a larger table */
};

enum { KIND_DATE = 1, KIND_TIME, KIND_DATETIME, KIND_TIMEDELTA, KIND_TIMEZONE };

static struct {
    PyTypeObject *decimal, *fraction, *timezone;
    PyObject *numerator,
        *denominator; /* slot descriptors of Fraction, taken before any program ran */
} types;

static PyTypeObject *import_type(const char *module, const char *name)
{
    PyObject *m = PyImport_ImportModule(module);
    PyObject *type = m ? PyObject_GetAttrString(m, name) : NULL;
    Py_XDECREF(m);
    if (type && !PyType_Check(type)) {
        PyErr_Format(PyExc_TypeError, "%s.%s is not a type", module, name);
        Py_CLEAR(type);
    }
    return (PyTypeObject *)type;
}

int value_init(void)
{
    if (types.timezone)
        return 0;
    PyDateTime_IMPORT;
    if (!PyDateTimeAPI || !(types.decimal = import_type("decimal", "Decimal")) ||
        !(types.fraction = import_type("fractions", "Fraction")) ||
        !(types.numerator = PyObject_GetAttrString((PyObject *)types.fraction, "_numerator")) ||
        !(types.denominator = PyObject_GetAttrString((PyObject *)types.fraction, "_denominator")) ||
        !(types.timezone = import_type("datetime", "timezone")))
        return -1;
    return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

struct writer {
    struct buf *out;
    const struct value_hook *hook;
    size_t first, bytes_max;
    uint32_t nodes;
};

static int put(struct writer *w, PyObject *o, int depth);

static int room_for(const struct writer *w, size_t more)
{
    return more > w->bytes_max || w->out->len - w->first > w->bytes_max - more ? -E2BIG : 0;
}

static int put_raw(struct writer *w, uint8_t tag, const void *bytes, size_t n)
{
    TRY(room_for(w, n + 1));
    buf_char(w->out, (char)tag);
    buf_add(w->out, bytes, n);
    return 0;
}

static int put_sized(struct writer *w, uint8_t tag, const void *bytes, size_t n)
{
    TRY(room_for(w, n + 5));
    uint32_t len = (uint32_t)n;
    buf_char(w->out, (char)tag);
    buf_add(w->out, &len, sizeof len);
    buf_add(w->out, bytes, n);
    return 0;
}

static int put_int(struct writer *w, PyObject *o)
{
    int overflow;
    long long small = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (!overflow)
        return put_raw(w, VALUE_INT, &small, sizeof small);
    size_t bits = _PyLong_NumBits(o);
    if (bits == (size_t)-1)
        return -E2BIG;
    size_t n = bits / 8 + 1;
    TRY(room_for(w, n + 5));
    unsigned char *bytes = xcalloc(n, 1);
    int rc = _PyLong_AsByteArray((PyLongObject *)o, bytes, n, 1, 1);
    if (rc == 0)
        rc = put_sized(w, VALUE_BIGINT, bytes, n);
    free(bytes);
    return rc < 0 ? -E2BIG : 0;
}

static int put_str(struct writer *w, uint8_t tag, PyObject *o)
{
    if (PyUnicode_READY(o) != 0)
        return -ENOMEM;
    if (PyUnicode_IS_COMPACT_ASCII(o))
        return put_sized(w, tag, PyUnicode_1BYTE_DATA(o), (size_t)PyUnicode_GET_LENGTH(o));
    TRY(room_for(w, (size_t)PyUnicode_GET_LENGTH(o)));
    PyObject *bytes = PyUnicode_AsEncodedString(o, "utf-8", "surrogatepass");
    if (!bytes || !PyBytes_Check(bytes)) {
        Py_XDECREF(bytes);
        return -EINVAL;
    }
    int rc = put_sized(w, tag, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    Py_DECREF(bytes);
    return rc;
}

static int put_count(struct writer *w, uint8_t tag, Py_ssize_t n)
{
    if (n < 0 || n > VALUE_NODES_MAX)
        return -E2BIG;
    uint32_t count = (uint32_t)n;
    return put_raw(w, tag, &count, sizeof count);
}

static int put_dict(struct writer *w, PyObject *o, int depth)
{
    TRY(put_count(w, VALUE_DICT, PyDict_GET_SIZE(o)));
    PyObject *key, *item;
    Py_ssize_t at = 0;
    if (!PyODict_Check(o)) {
        while (PyDict_Next(o, &at, &key, &item)) {
            TRY(put(w, key, depth));
            TRY(put(w, item, depth));
        }
        return 0;
    }
    /* An OrderedDict keeps its order beside the table: its own C iterator knows it. */
    PyObject *iter = PyODict_Type.tp_iter(o);
    int rc = iter ? 0 : -EINVAL;
    while (rc == 0 && (key = PyIter_Next(iter))) {
        item = PyDict_GetItemWithError(o, key);
        rc = item ? put(w, key, depth) : -EINVAL;
        if (rc == 0)
            rc = put(w, item, depth);
        Py_DECREF(key);
    }
    Py_XDECREF(iter);
    return PyErr_Occurred() ? -EINVAL : rc;
}

static int put_set(struct writer *w, PyObject *o, int depth)
{
    TRY(put_count(w, PyFrozenSet_Check(o) ? VALUE_FROZENSET : VALUE_SET, PySet_GET_SIZE(o)));
    PyObject *item;
    Py_ssize_t at = 0;
    Py_hash_t hash;
    while (_PySet_NextEntry(o, &at, &item, &hash))
        TRY(put(w, item, depth));
    return 0;
}

static int put_sequence(struct writer *w, PyObject *o, int depth)
{
    bool list = PyList_Check(o);
    TRY(put_count(w, list ? VALUE_LIST : VALUE_TUPLE, Py_SIZE(o)));
    for (Py_ssize_t i = 0; i < Py_SIZE(o); i++)
        TRY(put(w, list ? PyList_GET_ITEM(o, i) : PyTuple_GET_ITEM(o, i), depth));
    return 0;
}

static int put_fields(struct writer *w, uint8_t kind, const int32_t *fields, size_t n)
{
    TRY(room_for(w, 2 + n * sizeof *fields));
    buf_char(w->out, VALUE_DATETIME);
    buf_char(w->out, (char)kind);
    buf_add(w->out, fields, n * sizeof *fields);
    return 0;
}

/* The offset of an exact datetime.timezone as two fields. Any other tzinfo is not plain data. */
static int zone_fields(PyObject *zone, int32_t out[2])
{
    if (!Py_IS_TYPE(zone, types.timezone))
        return -EINVAL;
    PyObject *delta = PyObject_CallMethod(zone, "utcoffset", "O", Py_None);
    int rc = delta && PyDelta_CheckExact(delta) ? 0 : -EINVAL;
    if (rc == 0) {
        out[0] = PyDateTime_DELTA_GET_DAYS(delta) * 86400 + PyDateTime_DELTA_GET_SECONDS(delta);
        out[1] = PyDateTime_DELTA_GET_MICROSECONDS(delta);
    }
    Py_XDECREF(delta);
    return rc;
}

/* -ENOTSUP: not one of datetime's types, or one with a zone that has code. */
static int put_datetime(struct writer *w, PyObject *o)
{
    int32_t f[11];
    size_t n = 0;
    uint8_t kind;
    PyObject *zone = Py_None;
    if (PyDelta_Check(o)) {
        int32_t delta[] = {PyDateTime_DELTA_GET_DAYS(o), PyDateTime_DELTA_GET_SECONDS(o),
                           PyDateTime_DELTA_GET_MICROSECONDS(o)};
        return put_fields(w, KIND_TIMEDELTA, delta, 3);
    }
    if (Py_IS_TYPE(o, types.timezone))
        return zone_fields(o, f) < 0 ? -ENOTSUP : put_fields(w, KIND_TIMEZONE, f, 2);
    if (PyDate_Check(o)) {
        f[n++] = PyDateTime_GET_YEAR(o);
        f[n++] = PyDateTime_GET_MONTH(o);
        f[n++] = PyDateTime_GET_DAY(o);
        if (!PyDateTime_Check(o))
            return put_fields(w, KIND_DATE, f, n);
        kind = KIND_DATETIME;
        f[n++] = PyDateTime_DATE_GET_HOUR(o);
        f[n++] = PyDateTime_DATE_GET_MINUTE(o);
        f[n++] = PyDateTime_DATE_GET_SECOND(o);
        f[n++] = PyDateTime_DATE_GET_MICROSECOND(o);
        f[n++] = PyDateTime_DATE_GET_FOLD(o);
        zone = PyDateTime_DATE_GET_TZINFO(o);
    } else if (PyTime_Check(o)) {
        kind = KIND_TIME;
        f[n++] = PyDateTime_TIME_GET_HOUR(o);
        f[n++] = PyDateTime_TIME_GET_MINUTE(o);
        f[n++] = PyDateTime_TIME_GET_SECOND(o);
        f[n++] = PyDateTime_TIME_GET_MICROSECOND(o);
        f[n++] = PyDateTime_TIME_GET_FOLD(o);
        zone = PyDateTime_TIME_GET_TZINFO(o);
    } else {
        return -ENOTSUP;
    }
    f[n++] = zone != Py_None;
    if (zone != Py_None) {
        if (zone_fields(zone, f + n) < 0)
            return -ENOTSUP;
        n += 2;
    }
    return put_fields(w, kind, f, n);
}

static int put_fraction(struct writer *w, PyObject *o)
{
    PyObject *parts[2] = {
        Py_TYPE(types.numerator)->tp_descr_get(types.numerator, o, (PyObject *)Py_TYPE(o)),
        Py_TYPE(types.denominator)->tp_descr_get(types.denominator, o, (PyObject *)Py_TYPE(o)),
    };
    int rc = parts[0] && parts[1] && PyLong_Check(parts[0]) && PyLong_Check(parts[1]) ? 0 : -EINVAL;
    for (int i = 0; i < 2 && rc == 0; i++)
        if (_PyLong_NumBits(parts[i]) >= FRACTION_BYTES_MAX * 8)
            rc = -E2BIG;
    if (rc == 0)
        rc = put_raw(w, VALUE_FRACTION, "", 0);
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = put_int(w, parts[i]);
    Py_XDECREF(parts[0]);
    Py_XDECREF(parts[1]);
    return rc;
}

static int put_decimal(struct writer *w, PyObject *o)
{
    PyObject *text = types.decimal->tp_str(o);
    int rc = text ? put_str(w, VALUE_DECIMAL, text) : -EINVAL;
    Py_XDECREF(text);
    return rc;
}

/* Values whose types are modules' classes; -ENOTSUP when `o` is none of them. */
static int put_module_value(struct writer *w, PyObject *o)
{
    if (PyObject_TypeCheck(o, types.decimal))
        return put_decimal(w, o);
    if (PyObject_TypeCheck(o, types.fraction))
        return put_fraction(w, o);
    return put_datetime(w, o);
}

static int put(struct writer *w, PyObject *o, int depth)
{
    if (++w->nodes > VALUE_NODES_MAX)
        return -E2BIG;
    if (depth >= VALUE_DEPTH_MAX)
        return -ELOOP;
    if (o == Py_None)
        return put_raw(w, VALUE_NONE, "", 0);
    if (PyBool_Check(o))
        return put_raw(w, o == Py_True ? VALUE_TRUE : VALUE_FALSE, "", 0);
    if (PyLong_Check(o))
        return put_int(w, o);
    if (PyUnicode_Check(o))
        return put_str(w, VALUE_STR, o);
    if (PyList_Check(o) || PyTuple_Check(o))
        return put_sequence(w, o, depth + 1);
    if (PyDict_Check(o))
        return put_dict(w, o, depth + 1);
    if (PyAnySet_Check(o))
        return put_set(w, o, depth + 1);
    if (PyFloat_Check(o)) {
        double x = PyFloat_AS_DOUBLE(o);
        return put_raw(w, VALUE_FLOAT, &x, sizeof x);
    }
    if (PyComplex_Check(o)) {
        Py_complex z = ((PyComplexObject *)o)->cval;
        return put_raw(w, VALUE_COMPLEX, &z, sizeof z);
    }
    if (PyBytes_Check(o))
        return put_sized(w, VALUE_BYTES, PyBytes_AS_STRING(o), (size_t)PyBytes_GET_SIZE(o));
    if (PyByteArray_Check(o))
        return put_sized(w, VALUE_BYTEARRAY, PyByteArray_AS_STRING(o),
                         (size_t)PyByteArray_GET_SIZE(o));
    int rc = put_module_value(w, o);
    if (rc != -ENOTSUP)
        return rc;
    TRY(room_for(w, 5));
    return w->hook && w->hook->encode ? w->hook->encode(w->hook->ctx, o, w->out) : -EINVAL;
}

int value_encode(PyObject *object, const struct value_hook *hook, size_t bytes_max, struct buf *out)
{
    CHECK(types.timezone != NULL);
    struct writer w = {.out = out, .hook = hook, .first = out->len, .bytes_max = bytes_max};
    int rc = put(&w, object, 0);
    PyErr_Clear();
    return rc;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reader {
    const uint8_t *at, *end;
    const struct value_hook *hook;
    uint32_t nodes;
    int code; /* why the last read failed */
};

static PyObject *get(struct reader *r, int depth);

static PyObject *bad(struct reader *r, int code)
{
    if (r->code == 0)
        r->code = code;
    return NULL;
}

static const uint8_t *take(struct reader *r, size_t n)
{
    if ((size_t)(r->end - r->at) < n) {
        bad(r, -EBADMSG);
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += n;
    return p;
}

static bool take_u32(struct reader *r, uint32_t *ret)
{
    const uint8_t *p = take(r, sizeof *ret);
    if (p)
        memcpy(ret, p, sizeof *ret);
    return p != NULL;
}

/* A length prefix and its bytes. */
static const uint8_t *take_sized(struct reader *r, uint32_t *ret_n)
{
    return take_u32(r, ret_n) ? take(r, *ret_n) : NULL;
}

/* An item count: each item takes at least one byte and one node, so a lie is caught before
 * memory is asked for. */
static bool take_count(struct reader *r, uint32_t per_item, uint32_t *ret_n)
{
    uint32_t n;
    if (!take_u32(r, &n))
        return false;
    if (n > VALUE_NODES_MAX || n * per_item > (size_t)(r->end - r->at) ||
        n * per_item > VALUE_NODES_MAX - r->nodes) {
        bad(r, -EBADMSG);
        return false;
    }
    *ret_n = n;
    return true;
}

static PyObject *get_tuple(struct reader *r, uint32_t n, int depth)
{
    PyObject *tuple = PyTuple_New(n);
    for (uint32_t i = 0; tuple && i < n; i++) {
        PyObject *item = get(r, depth);
        if (!item)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, item);
    }
    return tuple;
}

static PyObject *get_list(struct reader *r, int depth)
{
    uint32_t n;
    PyObject *list = take_count(r, 1, &n) ? PyList_New(n) : NULL;
    for (uint32_t i = 0; list && i < n; i++) {
        PyObject *item = get(r, depth);
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
static bool keys_spread(PyObject *keys, Py_ssize_t step)
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

static PyObject *get_dict(struct reader *r, int depth)
{
    uint32_t n;
    PyObject *flat = take_count(r, 2, &n) ? get_tuple(r, n * 2, depth) : NULL;
    PyObject *dict = flat && keys_spread(flat, 2) ? PyDict_New() : NULL;
    for (uint32_t i = 0; dict && i < n; i++)
        if (PyDict_SetItem(dict, PyTuple_GET_ITEM(flat, i * 2),
                           PyTuple_GET_ITEM(flat, i * 2 + 1)) != 0)
            Py_CLEAR(dict);
    Py_XDECREF(flat);
    return dict;
}

static PyObject *get_set(struct reader *r, uint8_t tag, int depth)
{
    uint32_t n;
    PyObject *flat = take_count(r, 1, &n) ? get_tuple(r, n, depth) : NULL;
    PyObject *set = NULL;
    if (flat && keys_spread(flat, 1))
        set = tag == VALUE_SET ? PySet_New(flat) : PyFrozenSet_New(flat);
    Py_XDECREF(flat);
    return set;
}

static PyObject *get_int(struct reader *r, uint8_t tag, uint32_t bytes_max)
{
    uint32_t n = sizeof(int64_t);
    const uint8_t *p = tag == VALUE_INT ? take(r, n) : take_sized(r, &n);
    if (!p || n > bytes_max)
        return bad(r, -EBADMSG);
    return _PyLong_FromByteArray(p, n, 1, 1);
}

static PyObject *get_fraction(struct reader *r)
{
    PyObject *part[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        const uint8_t *tag = take(r, 1);
        if (!tag || (*tag != VALUE_INT && *tag != VALUE_BIGINT) ||
            !(part[i] = get_int(r, *tag, FRACTION_BYTES_MAX + 1)))
            break;
    }
    PyObject *fraction = NULL;
    if (part[0] && part[1])
        fraction = PyObject_CallFunctionObjArgs((PyObject *)types.fraction, part[0], part[1], NULL);
    Py_XDECREF(part[0]);
    Py_XDECREF(part[1]);
    return fraction ? fraction : bad(r, -EBADMSG);
}

static PyObject *get_decimal(struct reader *r)
{
    uint32_t n;
    const uint8_t *p = take_sized(r, &n);
    if (!p || n > DECIMAL_BYTES_MAX)
        return bad(r, -EBADMSG);
    for (uint32_t i = 0; i < n; i++)
        if (!p[i] || !strchr("0123456789+-.EeInfintyNasn", p[i]))
            return bad(r, -EBADMSG);
    return PyObject_CallFunction((PyObject *)types.decimal, "s#", p, (Py_ssize_t)n);
}

static bool take_fields(struct reader *r, int32_t *f, size_t n)
{
    const uint8_t *p = take(r, n * sizeof *f);
    if (p)
        memcpy(f, p, n * sizeof *f);
    return p != NULL;
}

static PyObject *get_zone(struct reader *r)
{
    int32_t f[2];
    if (!take_fields(r, f, 2))
        return NULL;
    PyObject *delta = PyDelta_FromDSU(0, f[0], f[1]);
    PyObject *zone = delta ? PyTimeZone_FromOffset(delta) : NULL;
    Py_XDECREF(delta);
    return zone;
}

/* The optional zone that ends a time: a new reference, None when there is none. */
static PyObject *get_optional_zone(struct reader *r)
{
    int32_t present;
    if (!take_fields(r, &present, 1))
        return NULL;
    return present ? get_zone(r) : Py_NewRef(Py_None);
}

static PyObject *get_datetime(struct reader *r)
{
    int32_t f[8];
    PyObject *zone, *result = NULL;
    const PyDateTime_CAPI *api = PyDateTimeAPI;
    const uint8_t *kind = take(r, 1);
    switch (kind ? *kind : 0) {
    case KIND_DATE:
        return take_fields(r, f, 3) ? PyDate_FromDate(f[0], f[1], f[2]) : NULL;
    case KIND_TIMEDELTA:
        return take_fields(r, f, 3) ? PyDelta_FromDSU(f[0], f[1], f[2]) : NULL;
    case KIND_TIMEZONE:
        return get_zone(r);
    case KIND_TIME:
        if (!take_fields(r, f, 5) || !(zone = get_optional_zone(r)))
            return NULL;
        result = api->Time_FromTimeAndFold(f[0], f[1], f[2], f[3], zone, f[4], api->TimeType);
        break;
    case KIND_DATETIME:
        if (!take_fields(r, f, 8) || !(zone = get_optional_zone(r)))
            return NULL;
        result = api->DateTime_FromDateAndTimeAndFold(f[0], f[1], f[2], f[3], f[4], f[5], f[6],
                                                      zone, f[7], api->DateTimeType);
        break;
    default:
        return bad(r, -EBADMSG);
    }
    Py_DECREF(zone);
    return result;
}

static PyObject *get_foreign(struct reader *r, uint8_t tag)
{
    uint32_t number;
    if (!take_u32(r, &number) || !r->hook || !r->hook->decode)
        return bad(r, -EBADMSG);
    return r->hook->decode(r->hook->ctx, tag, number);
}

static PyObject *get_text(struct reader *r, uint8_t tag)
{
    uint32_t n;
    const uint8_t *p = take_sized(r, &n);
    if (!p)
        return NULL;
    if (tag == VALUE_BYTES)
        return PyBytes_FromStringAndSize((const char *)p, n);
    if (tag == VALUE_BYTEARRAY)
        return PyByteArray_FromStringAndSize((const char *)p, n);
    return PyUnicode_DecodeUTF8((const char *)p, n, "surrogatepass");
}

static PyObject *get_number(struct reader *r, uint8_t tag)
{
    double x[2];
    size_t n = tag == VALUE_FLOAT ? sizeof(double) : sizeof x;
    const uint8_t *p = take(r, n);
    if (!p)
        return NULL;
    memcpy(x, p, n);
    return tag == VALUE_FLOAT ? PyFloat_FromDouble(x[0]) : PyComplex_FromDoubles(x[0], x[1]);
}

static PyObject *get(struct reader *r, int depth)
{
    uint32_t n;
    const uint8_t *tag = take(r, 1);
    if (!tag || ++r->nodes > VALUE_NODES_MAX || depth >= VALUE_DEPTH_MAX)
        return bad(r, -EBADMSG);
    switch (*tag) {
    case VALUE_NONE:
        return Py_NewRef(Py_None);
    case VALUE_TRUE:
        return Py_NewRef(Py_True);
    case VALUE_FALSE:
        return Py_NewRef(Py_False);
    case VALUE_INT:
    case VALUE_BIGINT:
        return get_int(r, *tag, UINT32_MAX);
    case VALUE_FLOAT:
    case VALUE_COMPLEX:
        return get_number(r, *tag);
    case VALUE_STR:
    case VALUE_BYTES:
    case VALUE_BYTEARRAY:
        return get_text(r, *tag);
    case VALUE_LIST:
        return get_list(r, depth + 1);
    case VALUE_TUPLE:
        return take_count(r, 1, &n) ? get_tuple(r, n, depth + 1) : NULL;
    case VALUE_DICT:
        return get_dict(r, depth + 1);
    case VALUE_SET:
    case VALUE_FROZENSET:
        return get_set(r, *tag, depth + 1);
    case VALUE_DECIMAL:
        return get_decimal(r);
    case VALUE_FRACTION:
        return get_fraction(r);
    case VALUE_DATETIME:
        return get_datetime(r);
    case VALUE_HANDLE:
    case VALUE_CALLABLE:
        return get_foreign(r, *tag);
    default:
        return bad(r, -EBADMSG);
    }
}

PyObject *value_decode(const uint8_t **at, const uint8_t *end, const struct value_hook *hook,
                       int *ret_code)
{
    CHECK(types.timezone != NULL);
    struct reader r = {.at = *at, .end = end, .hook = hook};
    PyObject *value = get(&r, 0);
    if (!value) {
        *ret_code = r.code                                      ? r.code
                    : PyErr_ExceptionMatches(PyExc_MemoryError) ? -ENOMEM
                                                                : -EBADMSG;
        PyErr_Clear();
        return NULL;
    }
    *at = r.at;
    return value;
}
