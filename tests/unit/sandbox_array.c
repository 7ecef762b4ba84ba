/* numpy's arrays as bytes: what is read is what was written, and no payload does harm. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/rng.h"
#include "sandbox/interpreter.h"
#include "value_array.h"

static const char packages[] = "/usr/lib/python3/dist-packages";

static PyObject *globals;

static PyObject *made(const char *expression)
{
    PyObject *value = PyRun_String(expression, Py_eval_input, globals, globals);
    if (!value) {
        PyErr_Print();
        fail_msg("%s", expression);
    }
    return value;
}

static bool python_says(const char *name_a, PyObject *a, const char *name_b, PyObject *b,
                        const char *expression)
{
    assert_int_equal(PyDict_SetItemString(globals, name_a, a), 0);
    assert_int_equal(PyDict_SetItemString(globals, name_b, b), 0);
    PyObject *answer = made(expression);
    bool yes = PyObject_IsTrue(answer) == 1;
    Py_DECREF(answer);
    return yes;
}

static int setup(void **state)
{
    struct err err = {0};
    (void)state;
    bool there = access("/usr/lib/python3/dist-packages/numpy", R_OK) == 0;
    struct interpreter_options options = {there ? packages : NULL, there ? "numpy" : NULL};
    if (interpreter_start(&options, &err) < 0 || value_array_init() < 0) {
        print_message("# %s\n", err.text);
        return -1;
    }
    globals = PyDict_New();
    PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins());
    if (there) {
        PyObject *numpy = PyImport_ImportModule("numpy");
        PyDict_SetItemString(globals, "np", numpy);
        Py_XDECREF(numpy);
    } else {
        print_message("# SKIP python3-numpy is not installed: arrays are not tried\n");
    }
    return 0;
}

static bool has_numpy(void)
{
    return PyDict_GetItemString(globals, "np") != NULL;
}

static const char *const crossing[] = {
    "np.arange(5)",
    "np.zeros((2, 0, 3))",
    "np.array(7)",
    "np.array([[1.5, np.nan], [np.inf, -0.0]]).T",
    "np.array([True, False])",
    "np.array([1j, 2], dtype=np.complex64)",
    "np.array(['a', 'bcd', ''])",
    "np.array([b'a', b'bcd'])",
    "np.arange(24, dtype=np.int16).reshape(2, 3, 4)[:, ::2, ::-1]",
    "np.ones(3, dtype=np.float16)",
    "np.ones(3, dtype=np.longdouble)",
    "np.int64(-5)",
    "np.uint8(255)",
    "np.float32(0.1)",
    "np.float64(0.1)",
    "np.bool_(False)",
    "np.complex128(1j)",
    "np.matrix([[1, 2]])",
};

static void what_is_read_was_written(void **state)
{
    (void)state;
    if (!has_numpy())
        skip();
    for (size_t i = 0; i < COUNT_OF(crossing); i++) {
        struct buf out = {0};
        PyObject *value = made(crossing[i]);
        assert_true(value_array_is(value));
        assert_int_equal(value_array_write(value, 1 << 20, &out), 0);
        PyObject *back = value_array_read((const uint8_t *)out.s, out.len);
        assert_non_null(back);
        if (!python_says("a", value, "b", back,
                         "a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()"
                         " and isinstance(a, type(b)) and (a.shape == () or b.flags.owndata)"))
            fail_msg("%s came back as another", crossing[i]);
        Py_DECREF(value);
        Py_DECREF(back);
        buf_free(&out);
    }
}

static void what_has_no_bytes_of_its_own_is_no_array(void **state)
{
    static const char *const others[] = {
        "np.array([object()])", "np.array(['2020-01-01'], 'M8[D]')", "np.datetime64('2020-01-01')",
        "np.array([1, 2], '>i4')", "np.zeros(2, 'i4,f8')"};
    struct buf out = {0};
    (void)state;
    if (!has_numpy())
        skip();
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        PyObject *value = made(others[i]);
        assert_int_equal(value_array_write(value, 1 << 20, &out), -ENOTSUP);
        assert_int_equal(out.len, 0);
        Py_DECREF(value);
    }
    PyObject *text = made("np.str_('x')"), *large = made("np.zeros(1000)"), *plain = made("[1]");
    assert_false(value_array_is(text));
    assert_false(value_array_is(plain));
    assert_int_equal(value_array_write(large, 8000, &out), -E2BIG);
    Py_DECREF(text);
    Py_DECREF(large);
    Py_DECREF(plain);
    buf_free(&out);
}

/* Reads, and uses whatever came of it. */
static void try_payload(const uint8_t *bytes, size_t n)
{
    PyObject *value = value_array_read(bytes, n);
    PyObject *plain = value ? value_array_plain(value) : NULL;
    PyObject *text = plain ? PyObject_Repr(plain) : NULL;
    assert_true(value || PyErr_Occurred());
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(plain);
    Py_XDECREF(value);
}

static void no_payload_does_harm(void **state)
{
    struct rng rng = rng_make(7, 0);
    (void)state;
    if (!has_numpy())
        skip();
    for (size_t i = 0; i < COUNT_OF(crossing); i++) {
        struct buf out = {0};
        PyObject *value = made(crossing[i]);
        assert_int_equal(value_array_write(value, 1 << 20, &out), 0);
        for (size_t n = 0; n < out.len; n++)
            try_payload((const uint8_t *)out.s, n);
        for (int k = 0; k < 300; k++) {
            size_t at = rng_below(&rng, k % 2 || out.len < 16 ? out.len : 16);
            char old = out.s[at];
            out.s[at] = (char)rng_u64(&rng);
            try_payload((const uint8_t *)out.s, out.len);
            out.s[at] = old;
        }
        Py_DECREF(value);
        buf_free(&out);
    }
}

static void plain_values_are_pythons_own(void **state)
{
    (void)state;
    if (!has_numpy())
        skip();
    PyObject *array = made("np.arange(4).reshape(2, 2)"), *scalar = made("np.int64(3)");
    PyObject *list = value_array_plain(array), *number = value_array_plain(scalar);
    assert_true(PyList_CheckExact(list) && PyLong_CheckExact(number));
    assert_true(python_says("a", list, "b", number, "a == [[0, 1], [2, 3]] and b == 3"));
    Py_DECREF(array);
    Py_DECREF(scalar);
    Py_DECREF(list);
    Py_DECREF(number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_was_written),
        cmocka_unit_test(what_has_no_bytes_of_its_own_is_no_array),
        cmocka_unit_test(no_payload_does_harm),
        cmocka_unit_test(plain_values_are_pythons_own),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, NULL);
}
