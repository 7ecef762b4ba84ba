/* judge_compare.c: what counts as the same value. */
#include <Python.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sandbox/interpreter.h"
#include "verifier/judge_compare.h"
#include "verifier/judge_job.h"
#include "verifier/judge_proxy.h"

static PyObject *eval(const char *source)
{
    static PyObject *globals;
    if (!globals) {
        globals = PyDict_New();
        PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins());
        PyObject *done =
            PyRun_String("from decimal import Decimal\nfrom fractions import Fraction\n"
                         "from collections import Counter, OrderedDict\nimport datetime\n"
                         "nan = float('nan')\ninf = float('inf')\n",
                         Py_file_input, globals, globals);
        assert_non_null(done);
        Py_DECREF(done);
    }
    PyObject *value = PyRun_String(source, Py_eval_input, globals, globals);
    if (!value)
        PyErr_Print();
    assert_non_null(value);
    return value;
}

static int same(const char *got, const char *expected, double tolerance, bool any)
{
    PyObject *a = eval(got), *b = eval(expected);
    int yes =
        judge_equal(a, b, &(struct judge_compare){.tolerance = tolerance, .any_sequence = any});
    Py_DECREF(a);
    Py_DECREF(b);
    assert_null(PyErr_Occurred());
    return yes;
}

struct row {
    const char *got, *expected;
    int strict, any; /* without and with `sequences: any` */
};

static void plain_data_is_compared_exactly(void **state)
{
    static const struct row rows[] = {
        {"1", "1", 1, 1},
        {"1", "2", 0, 0},
        {"1", "1.0", 1, 1},
        {"1.0", "1", 1, 1},
        {"True", "1", 0, 0},
        {"1", "True", 0, 0},
        {"True", "True", 1, 1},
        {"False", "0", 0, 0},
        {"None", "None", 1, 1},
        {"None", "0", 0, 0},
        {"None", "False", 0, 0},
        {"0", "None", 0, 0},
        {"10**400", "10**400", 1, 1},
        {"10**400", "10**400 + 1", 0, 0},
        {"2**53 + 1", "float(2**53)", 0, 0},
        {"nan", "nan", 1, 1},
        {"nan", "1.0", 0, 0},
        {"inf", "inf", 1, 1},
        {"inf", "-inf", 0, 0},
        {"0.1 + 0.2", "0.3", 0, 0},
        {"0.0", "-0.0", 1, 1},
        {"1j", "1j", 1, 1},
        {"complex(nan, 1)", "complex(nan, 1)", 1, 1},
        {"'a'", "'a'", 1, 1},
        {"'a'", "b'a'", 0, 0},
        {"b'a'", "b'a'", 1, 1},
        {"b'a'", "bytearray(b'a')", 0, 0},
        {"'\\ud800'", "'\\ud800'", 1, 1},
        {"'1'", "1", 0, 0},
        {"'e\\u0301'", "'\\xe9'", 0, 0},
        {"[1, 2]", "[1, 2]", 1, 1},
        {"[1, 2]", "[2, 1]", 0, 0},
        {"[1]", "[1, 2]", 0, 0},
        {"(1, 2)", "[1, 2]", 0, 1},
        {"[1, 2]", "(1, 2)", 0, 1},
        {"[(1, 2)]", "[[1, 2]]", 0, 1},
        {"[]", "()", 0, 1},
        {"[]", "''", 0, 0},
        {"[]", "{}", 0, 0},
        {"[nan]", "[nan]", 1, 1},
        {"[True]", "[1]", 0, 0},
        {"{'a': 1}", "{'a': 1}", 1, 1},
        {"{'a': True}", "{'a': 1}", 0, 0},
        {"{'a': 1}", "{'b': 1}", 0, 0},
        {"{1: 'x'}", "{True: 'x'}", 0, 0},
        {"{True: 1, 0: 2}", "{1: 1, False: 2}", 0, 0},
        {"{1: 2}", "{1.0: 2}", 1, 1},
        {"{'a': (1,)}", "{'a': [1]}", 0, 1},
        {"{'b': 1, 'a': 2}", "{'a': 2, 'b': 1}", 1, 1},
        {"{'a': 1, 'b': 1}", "{'a': 1}", 0, 0},
        {"{1, 2}", "{2, 1}", 1, 1},
        {"{1, 2}", "{1, 3}", 0, 0},
        {"{1}", "{True}", 0, 0},
        {"{1, 2}", "[1, 2]", 0, 0},
        {"{nan}", "{float('nan')}", 1, 1},
        {"frozenset({1})", "{1}", 1, 1},
        {"{(1, 2)}", "{(1, 2)}", 1, 1},
        {"{'a': 2}", "Counter('aa')", 1, 1},
        {"{'a': 1}", "OrderedDict(a=1)", 1, 1},
        {"Decimal('1.10')", "Decimal('1.1')", 1, 1},
        {"Decimal('1')", "1", 1, 1},
        {"Fraction(1, 2)", "Fraction(2, 4)", 1, 1},
        {"datetime.date(2020, 1, 2)", "datetime.date(2020, 1, 2)", 1, 1},
        {"datetime.date(2020, 1, 2)", "datetime.date(2020, 1, 3)", 0, 0},
        {"range(3)", "[0, 1, 2]", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int strict = same(rows[i].got, rows[i].expected, 0, false);
        int any = same(rows[i].got, rows[i].expected, 0, true);
        if (strict != rows[i].strict || any != rows[i].any)
            fail_msg("%s vs %s: %d %d", rows[i].got, rows[i].expected, strict, any);
    }
}

static void tolerance_is_for_floats_only(void **state)
{
    (void)state;
    assert_int_equal(same("0.1 + 0.2", "0.3", 1e-9, false), 1);
    assert_int_equal(same("[{'a': 1.0000000001}]", "[{'a': 1}]", 1e-9, false), 1);
    assert_int_equal(same("1e20 * (1 + 1e-12)", "1e20", 1e-9, false), 1);
    assert_int_equal(same("1.1", "1.0", 1e-9, false), 0);
    assert_int_equal(same("10**20", "10**20 + 1", 1e-9, false), 0);
    assert_int_equal(same("inf", "1e308", 1e-9, false), 0);
    assert_int_equal(same("nan", "1.0", 1e9, false), 0);
    assert_int_equal(same("True", "1.0", 1e-9, false), 0);
    assert_int_equal(same("{1.0000000001, 2}", "{2.0, 1.0}", 1e-9, false), 1);
    assert_int_equal(same("{1.0, 3.0}", "{2.0, 1.0}", 1e-9, false), 0);
    assert_int_equal(same("'1.0'", "1.0", 1e-9, false), 0);
    assert_int_equal(same("10**400", "1e300", 1e-9, false), 0);
}

/* A value nested deeper than anything that can cross is unequal rather than a crash. */
static void depth_is_bounded(void **state)
{
    (void)state;
    PyObject *deep = PyList_New(0);
    for (int i = 0; i < 100000; i++) {
        PyObject *outer = PyList_New(1);
        PyList_SET_ITEM(outer, 0, deep);
        deep = outer;
    }
    assert_int_equal(judge_equal(deep, deep, &(struct judge_compare){.any_sequence = true}), 0);
    Py_DECREF(deep);
}

static int start(void **state)
{
    struct err err;
    struct interpreter_options none = {0};
    (void)state;
    return interpreter_start(&none, &err) == 0 && judge_proxy_init() == 0 ? 0 : -1;
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_data_is_compared_exactly),
        cmocka_unit_test(tolerance_is_for_floats_only),
        cmocka_unit_test(depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
