/* value_module.c: numbers and dates of the library by value.
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

#include "sandbox/value_parts.h"

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

int value__module_init(void)
{
    PyDateTime_IMPORT;
    if (!PyDateTimeAPI || !(types.decimal = import_type("decimal", "Decimal")) ||
        !(types.fraction = import_type("fractions", "Fraction")) ||
        !(types.numerator = PyObject_GetAttrString((PyObject *)types.fraction, "_numerator")) ||
        !(types.denominator = PyObject_GetAttrString((PyObject *)types.fraction, "_denominator")) ||
        !(types.timezone = import_type("datetime", "timezone")))
        return -1;
    return 0;
}

static int put_fields(struct value_writer *w, uint8_t kind, const int32_t *fields, size_t n)
{
    TRY(value__room(w, 2 + n * sizeof *fields));
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
static int put_datetime(struct value_writer *w, PyObject *o)
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

static int put_fraction(struct value_writer *w, PyObject *o)
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
        rc = value__put_raw(w, VALUE_FRACTION, "", 0);
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = value__put_int(w, parts[i]);
    Py_XDECREF(parts[0]);
    Py_XDECREF(parts[1]);
    return rc;
}

static int put_decimal(struct value_writer *w, PyObject *o)
{
    PyObject *text = types.decimal->tp_str(o);
    int rc = text ? value__put_text(w, VALUE_DECIMAL, text) : -EINVAL;
    Py_XDECREF(text);
    return rc;
}

int value__put_module(struct value_writer *w, PyObject *o, int depth)
{
    (void)depth;
    if (PyObject_TypeCheck(o, types.decimal))
        return put_decimal(w, o);
    if (PyObject_TypeCheck(o, types.fraction))
        return put_fraction(w, o);
    return put_datetime(w, o);
}

/* ---- reading --------------------------------------------------------------------------------- */

PyObject *value__get_fraction(struct value_reader *r)
{
    PyObject *part[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        const uint8_t *tag = value__take(r, 1);
        if (!tag || (*tag != VALUE_INT && *tag != VALUE_BIGINT) ||
            !(part[i] = value__get_int(r, *tag, FRACTION_BYTES_MAX + 1)))
            break;
    }
    PyObject *fraction = NULL;
    if (part[0] && part[1])
        fraction = PyObject_CallFunctionObjArgs((PyObject *)types.fraction, part[0], part[1], NULL);
    Py_XDECREF(part[0]);
    Py_XDECREF(part[1]);
    return fraction ? fraction : value__bad(r, -EBADMSG);
}

PyObject *value__get_decimal(struct value_reader *r)
{
    uint32_t n;
    const uint8_t *p = value__take_sized(r, &n);
    if (!p || n > DECIMAL_BYTES_MAX)
        return value__bad(r, -EBADMSG);
    for (uint32_t i = 0; i < n; i++)
        if (!p[i] || !strchr("0123456789+-.EeInfintyNasn", p[i]))
            return value__bad(r, -EBADMSG);
    return PyObject_CallFunction((PyObject *)types.decimal, "s#", p, (Py_ssize_t)n);
}

static bool take_fields(struct value_reader *r, int32_t *f, size_t n)
{
    const uint8_t *p = value__take(r, n * sizeof *f);
    if (p)
        memcpy(f, p, n * sizeof *f);
    return p != NULL;
}

static PyObject *get_zone(struct value_reader *r)
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
static PyObject *get_optional_zone(struct value_reader *r)
{
    int32_t present;
    if (!take_fields(r, &present, 1))
        return NULL;
    return present ? get_zone(r) : Py_NewRef(Py_None);
}

PyObject *value__get_datetime(struct value_reader *r)
{
    int32_t f[8];
    PyObject *zone, *result = NULL;
    const PyDateTime_CAPI *api = PyDateTimeAPI;
    const uint8_t *kind = value__take(r, 1);
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
        return value__bad(r, -EBADMSG);
    }
    Py_DECREF(zone);
    return result;
}
