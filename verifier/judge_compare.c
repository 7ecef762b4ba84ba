/* judge_compare.c: equality of plain data, without asking the data.
 *
 * Python's ==, with three differences that a grader needs: NaN equals NaN, a bool is no int
 * (True != 1), and a list is no tuple unless the problem says so. Values from the guest are
 * exact plain types by the time they are here, so no method of the program can run; types are
 * those of `value.h`. */
#include "verifier/judge_compare.h"

#include <math.h>

#include "value_array.h"
#include "verifier/judge_proxy.h"

enum { COMPARE_DEPTH_MAX = 400, COMPARE_MATCH_MAX = 2000 };

static int equal(PyObject *got, PyObject *want, const struct judge_compare *how, int depth);

static int python_equal(PyObject *got, PyObject *want)
{
    return PyObject_RichCompareBool(want, got, Py_EQ);
}

static bool is_number(PyObject *o)
{
    return PyLong_Check(o) || PyFloat_Check(o) || PyComplex_Check(o);
}

static bool close_enough(double got, double want, const struct judge_compare *how)
{
    if (got == want || (isnan(got) && isnan(want)))
        return true;
    if (!isfinite(got) || !isfinite(want))
        return false;
    double gap = fabs(got - want);
    return gap <= how->tolerance || gap <= how->tolerance * fmax(fabs(got), fabs(want)) ||
           gap <= how->absolute + how->relative * fabs(want);
}

static int numbers_equal(PyObject *got, PyObject *want, const struct judge_compare *how)
{
    bool exact = how->tolerance == 0 && how->absolute == 0 && how->relative == 0;
    if (PyComplex_Check(got) || PyComplex_Check(want)) {
        Py_complex a = PyComplex_AsCComplex(got), b = PyComplex_AsCComplex(want);
        if (PyErr_Occurred()) {
            PyErr_Clear();
            return python_equal(got, want);
        }
        return close_enough(a.real, b.real, how) && close_enough(a.imag, b.imag, how);
    }
    bool floats = PyFloat_Check(got) && PyFloat_Check(want);
    if (!floats && (exact || (PyLong_Check(got) && PyLong_Check(want))))
        return python_equal(got, want);
    double a = PyFloat_AsDouble(got), b = PyFloat_AsDouble(want);
    if (PyErr_Occurred()) {
        PyErr_Clear(); /* an int beyond the floats' range */
        return python_equal(got, want);
    }
    return close_enough(a, b, how);
}

static int sequences_equal(PyObject *got, PyObject *want, const struct judge_compare *how,
                           int depth)
{
    Py_ssize_t n = PySequence_Fast_GET_SIZE(got);
    if (n != PySequence_Fast_GET_SIZE(want))
        return 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        int same =
            equal(PySequence_Fast_GET_ITEM(got, i), PySequence_Fast_GET_ITEM(want, i), how, depth);
        if (same <= 0)
            return same;
    }
    return 1;
}

/* Hashed lookup takes True for 1 and False for 0, so which of the two booleans are there is
 * compared apart. */
static int booleans_within(PyObject *keys)
{
    PyObject *iterator = PyObject_GetIter(keys), *key;
    int seen = 0;
    if (!iterator)
        return -1;
    while ((key = PyIter_Next(iterator)) != NULL) {
        seen |= key == Py_True ? 1 : key == Py_False ? 2 : 0;
        Py_DECREF(key);
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? -1 : seen;
}

static int booleans_agree(PyObject *got, PyObject *want, const struct judge_compare *how)
{
    if (how->any_boolean)
        return 1;
    int a = booleans_within(got), b = booleans_within(want);
    return a < 0 || b < 0 ? -1 : a == b;
}

static int dicts_equal(PyObject *got, PyObject *want, const struct judge_compare *how, int depth)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    if (PyDict_GET_SIZE(got) != PyDict_GET_SIZE(want))
        return 0;
    int same = booleans_agree(got, want, how);
    while (same > 0 && PyDict_Next(want, &at, &key, &value)) {
        PyObject *mine = PyDict_GetItemWithError(got, key);
        same = mine ? equal(mine, value, how, depth) : PyErr_Occurred() ? -1 : 0;
    }
    return same;
}

/* Pairs each wanted member with one of `got` that is equal under `how`: for NaN and for
 * tolerances, which hashing knows nothing of. Quadratic, hence bounded. */
static int members_match(PyObject *got, PyObject *want, const struct judge_compare *how, int depth)
{
    if (PySet_GET_SIZE(want) > COMPARE_MATCH_MAX)
        return 0;
    PyObject *left = PySequence_List(got), *right = PySequence_List(want);
    int same = left && right ? 1 : -1;
    for (Py_ssize_t i = 0; same > 0 && i < PyList_GET_SIZE(right); i++) {
        int found = 0;
        for (Py_ssize_t j = 0; found == 0 && j < PyList_GET_SIZE(left); j++) {
            found = equal(PyList_GET_ITEM(left, j), PyList_GET_ITEM(right, i), how, depth);
            if (found > 0 && PySequence_DelItem(left, j) < 0)
                found = -1;
        }
        same = found;
    }
    Py_XDECREF(left);
    Py_XDECREF(right);
    return same;
}

static int sets_equal(PyObject *got, PyObject *want, const struct judge_compare *how, int depth)
{
    if (PySet_GET_SIZE(got) != PySet_GET_SIZE(want))
        return 0;
    int same = booleans_agree(got, want, how);
    if (same <= 0)
        return same;
    same = python_equal(got, want);
    return same != 0 ? same : members_match(got, want, how, depth);
}

/* One side is a handle: of a class below plain data, it is what it stores; else it equals nothing. */
static int stored_equal(PyObject *got, PyObject *want, const struct judge_compare *how, int depth)
{
    bool first = judge_is_handle(got);
    PyObject *stored = judge_stored(first ? got : want);
    if (!stored)
        return PyErr_Occurred() ? -1 : 0;
    int same = judge_is_handle(stored) ? 0
               : first                 ? equal(stored, want, how, depth + 1)
                                       : equal(got, stored, how, depth + 1);
    Py_DECREF(stored);
    return same;
}

static bool is_sequence(PyObject *o)
{
    return PyList_Check(o) || PyTuple_Check(o);
}

/* numpy's scalars are numbers, and an array is a list where a tuple is one too. */
static int arrays_equal(PyObject *got, PyObject *want, const struct judge_compare *how, int depth)
{
    PyObject *a = value_array_is(got) ? value_array_plain(got) : Py_NewRef(got);
    PyObject *b = a && value_array_is(want) ? value_array_plain(want) : Py_XNewRef(want);
    int same = -1;
    if (a && b) {
        bool list = PyList_Check(a) && PyList_Check(b);
        bool alike = value_array_is(got) == value_array_is(want);
        if (value_array_is(a) || value_array_is(b))
            same = python_equal(a, b); /* a long double has no other form */
        else
            same = !list || alike || how->any_sequence ? equal(a, b, how, depth + 1) : 0;
    }
    Py_XDECREF(a);
    Py_XDECREF(b);
    return same;
}

static int equal(PyObject *got, PyObject *want, const struct judge_compare *how, int depth)
{
    if (depth > COMPARE_DEPTH_MAX)
        return 0;
    if (judge_is_handle(got) && judge_is_handle(want))
        return python_equal(got, want);
    if (judge_is_handle(got) || judge_is_handle(want))
        return stored_equal(got, want, how, depth);
    if (value_array_is(got) || value_array_is(want))
        return arrays_equal(got, want, how, depth);
    if (got == want && (got == Py_None || PyBool_Check(got)))
        return 1;
    if (got == Py_None || want == Py_None)
        return 0;
    if (PyBool_Check(got) || PyBool_Check(want))
        return how->any_boolean && is_number(got) && is_number(want) && python_equal(got, want);
    if (is_number(got) && is_number(want))
        return numbers_equal(got, want, how);
    if (is_sequence(got) && is_sequence(want)) {
        if (!how->any_sequence && PyList_Check(got) != PyList_Check(want))
            return 0;
        return sequences_equal(got, want, how, depth + 1);
    }
    if (PyDict_Check(got) && PyDict_Check(want))
        return dicts_equal(got, want, how, depth + 1);
    if (PyAnySet_Check(got) && PyAnySet_Check(want))
        return sets_equal(got, want, how, depth + 1);
    if (PyBytes_Check(got) != PyBytes_Check(want))
        return 0;
    return python_equal(got, want);
}

int judge_equal(PyObject *got, PyObject *expected, const struct judge_compare *how)
{
    return equal(got, expected, how, 0);
}
