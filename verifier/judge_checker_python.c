/* judge_checker_python.c: checkers that are Python, run in the judge: trusted code at work on a
 * program's output, which is not.
 *
 * A function check(stdin, got, expected) gets three texts (bytes that are no UTF-8 become
 * surrogates) and returns a bool, a score from 0 to 1, or either with a message in a tuple; None
 * is False. Anything else, and any exception, is an error for the caller to judge.
 *
 * A whole program gets files (judge_checker.py). They exist in memory only: while it runs,
 * open() knows the names on its command line and keeps what is written for as long, for the
 * judge may write nowhere.
 *   files   argv: input, expected, got. It prints a score from 0 to 1 last, and exits with 0
 *   kattis  argv: input, expected, feedback folder, flags; got on stdin. Exit 42 is right, 43
 *           wrong; judgemessage.txt is the message, score.txt is not read */
#define PY_SSIZE_T_CLEAN
#include "verifier/judge_checker.h"

#include <math.h>

#include "verifier/judge_embed.h"

EMBED_TEXT(judge__checker_text, "verifier/judge_checker.py");

/* ---- what a checker answers ------------------------------------------------------------------ */

static int wrong_answer_type(PyObject *answer)
{
    PyErr_Format(PyExc_TypeError,
                 "a checker answers True, False or a score from 0 to 1, not %.200R", answer);
    return -1;
}

static int read_answer(PyObject *answer, double *ret_score, struct buf *message)
{
    PyObject *score = answer;
    if (PyTuple_Check(answer) && PyTuple_GET_SIZE(answer) == 2) {
        PyObject *said = PyTuple_GET_ITEM(answer, 1);
        score = PyTuple_GET_ITEM(answer, 0);
        PyObject *bytes = PyUnicode_Check(said)
                              ? PyUnicode_AsEncodedString(said, "utf-8", "backslashreplace")
                              : NULL;
        if (!bytes)
            return said == Py_None ? read_answer(score, ret_score, message)
                                   : wrong_answer_type(answer);
        buf_add(message, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
        Py_DECREF(bytes);
    }
    if (score == Py_None || PyBool_Check(score)) {
        *ret_score = score == Py_True;
        return 0;
    }
    double value = PyFloat_Check(score) || PyLong_Check(score) ? PyFloat_AsDouble(score) : NAN;
    if (!(value >= 0 && value <= 1)) {
        PyErr_Clear();
        return wrong_answer_type(answer);
    }
    *ret_score = value;
    return 0;
}

/* ---- def check(stdin, got, expected) --------------------------------------------------------- */

static PyObject *text_of(struct str bytes)
{
    return PyUnicode_DecodeUTF8(bytes.s ? bytes.s : "", (Py_ssize_t)bytes.len, "surrogateescape");
}

/* Fresh globals each time: what one answer leaves behind must not decide about the next. */
static PyObject *fresh_globals(PyObject *code)
{
    PyObject *globals = PyDict_New(), *done = NULL;
    if (globals && PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) == 0)
        done = PyEval_EvalCode(code, globals, globals);
    if (!done)
        Py_CLEAR(globals);
    Py_XDECREF(done);
    return globals;
}

int judge_check_python(const struct judge_checker *c, const struct judge_output *o,
                       double *ret_score, struct buf *message)
{
    PyObject *globals = fresh_globals(c->code), *answer = NULL;
    PyObject *input = text_of(o->input), *got = text_of(o->got), *want = text_of(o->expected);
    PyObject *check = globals ? PyDict_GetItemString(globals, "check") : NULL;
    if (check && input && got && want)
        answer = PyObject_CallFunctionObjArgs(check, input, got, want, NULL);
    else if (globals && !check)
        PyErr_SetString(PyExc_NameError, "the checker defines no check(stdin, got, expected)");
    int rc = answer ? read_answer(answer, ret_score, message) : -1;
    if (globals)
        PyDict_Clear(globals); /* functions and their globals hold each other */
    Py_XDECREF(globals);
    Py_XDECREF(answer);
    Py_XDECREF(input);
    Py_XDECREF(got);
    Py_XDECREF(want);
    return rc;
}

/* ---- a whole program ------------------------------------------------------------------------- */

/* A function of judge_checker.py, which is run at first use and kept. */
static PyObject *program_function(const char *name)
{
    static PyObject *globals;
    if (!globals)
        globals = judge_embedded(judge__checker_text, "<checker program>");
    return globals ? PyDict_GetItemString(globals, name) : NULL;
}

int judge_check_program(const struct judge_checker *c, const struct judge_output *o,
                        double *ret_score, struct buf *message)
{
    PyObject *run = program_function(c->kattis ? "kattis" : "files");
    PyObject *answer =
        run ? PyObject_CallFunction(run, "O(y#y#y#)O", c->code, o->input.s ? o->input.s : "",
                                    (Py_ssize_t)o->input.len, o->expected.s ? o->expected.s : "",
                                    (Py_ssize_t)o->expected.len, o->got.s ? o->got.s : "",
                                    (Py_ssize_t)o->got.len, c->flags)
            : NULL;
    int rc = answer ? read_answer(answer, ret_score, message) : -1;
    Py_XDECREF(answer);
    return rc;
}
