/* judge_watch.c: a window's end stops Python code, and no other window's. */
#include <Python.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sandbox/interpreter.h"
#include "verifier/judge_watch.h"

static const int64_t LONG_NS = 600ll * NS_PER_S;

/* 0, or what was raised, which is cleared. */
static int run(const char *source)
{
    PyObject *globals = PyDict_New();
    PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins());
    PyObject *done = PyRun_String(source, Py_file_input, globals, globals);
    int stopped = !done && PyErr_ExceptionMatches(judge_stop);
    assert_true(done || stopped);
    PyErr_Clear();
    Py_XDECREF(done);
    Py_DECREF(globals);
    return stopped;
}

/* A window that ends while no Python code runs, which therefore has yet to hear of it. */
static void let_one_end(void)
{
    judge_watch_open(NS_PER_MS, NULL, -1);
    while (!judge_watch_expired())
        ;
}

static void nothing_stops_a_new_one(void)
{
    judge_watch_open(LONG_NS, NULL, -1);
    assert_int_equal(run("for i in range(1000): i"), 0);
    assert_false(judge_watch_expired());
}

static void its_end_stops_python(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        judge_watch_open(NS_PER_MS, NULL, -1);
        assert_int_equal(run("while True: pass"), 1);
        assert_true(judge_watch_expired());
        assert_int_equal(run("while True: pass"), 1); /* again and again */
        judge_watch_close();
    }
    let_one_end();
    assert_int_equal(run("while True: pass"), 1);
    judge_watch_close();
    assert_int_equal(run("for i in range(1000): i"), 0);
}

static void a_closed_one_stops_nothing(void **state)
{
    (void)state;
    let_one_end();
    judge_watch_close();
    assert_int_equal(run("for i in range(1000): i"), 0);
    let_one_end();
    judge_watch_close();
    nothing_stops_a_new_one();
    judge_watch_close();
}

/* As after a program that met its limit: the account of its guest has a window of its own, and then
 * comes the next program. */
static void one_that_was_followed_at_once_stops_nothing(void **state)
{
    (void)state;
    let_one_end();
    nothing_stops_a_new_one();
    let_one_end();
    judge_watch_open(LONG_NS, NULL, -1);
    judge_watch_close();
    nothing_stops_a_new_one();
    judge_watch_close();
}

static int start(void **state)
{
    struct err err;
    struct interpreter_options none = {0};
    (void)state;
    return interpreter_start(&none, &err) == 0 && judge_watch_init(&err) == 0 ? 0 : -1;
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_end_stops_python),
        cmocka_unit_test(a_closed_one_stops_nothing),
        cmocka_unit_test(one_that_was_followed_at_once_stops_nothing),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
