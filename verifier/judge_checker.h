/* judge_checker.h: whether what a program printed is the answer. What each checker forgives is
 * part of the promise to users and told in FORMATS.md; nothing else is forgiven. */
#ifndef ASSAY_JUDGE_CHECKER_H
#define ASSAY_JUDGE_CHECKER_H

#include <Python.h>
#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum judge_checker_kind {
    CHECK_LINES,           /* line by line, without white space at the ends of lines */
    CHECK_EXACT,           /* byte by byte, without white space at the very end */
    CHECK_TOKENS,          /* word by word, whatever white space lies between */
    CHECK_UNORDERED_LINES, /* CHECK_LINES in any order, each line as often as expected */
    CHECK_FLOAT,           /* word by word, numbers within a tolerance */
    CHECK_PYTHON,          /* def check(stdin, got, expected) */
    CHECK_PROGRAM,         /* a whole Python program that is given files */
};

struct judge_checker {
    enum judge_checker_kind kind;
    bool ignore_case;          /* of ASCII letters */
    bool exact_integers;       /* CHECK_FLOAT: two whole numbers are equal or not */
    double absolute, relative; /* CHECK_FLOAT */
    PyObject *code;            /* CHECK_PYTHON, CHECK_PROGRAM */
    PyObject *flags;           /* CHECK_PROGRAM: its further arguments, a list */
    bool kattis;               /* CHECK_PROGRAM: which protocol */
};

/* One answer and what it is held against. */
struct judge_output {
    struct str input, got, expected;
};

/* Reads the suite's `checker` (absent or null: CHECK_LINES). On failure judge_checker_free is
 * still due. */
int judge_checker_read(struct judge_checker *c, const json_t *json, struct err *err);
void judge_checker_free(struct judge_checker *c);

/* *ret_score is 1 for a right answer, 0 for a wrong one, between them where a Python checker says
 * so; what the checker had to say is appended to `message`. -1 with a Python error set when a
 * Python checker did not come to an end, or to an answer. */
int judge_check_output(const struct judge_checker *c, const struct judge_output *o,
                       double *ret_score, struct buf *message);

/* CHECK_PYTHON and CHECK_PROGRAM (judge_checker_python.c). */
int judge_check_python(const struct judge_checker *c, const struct judge_output *o,
                       double *ret_score, struct buf *message);
int judge_check_program(const struct judge_checker *c, const struct judge_output *o,
                        double *ret_score, struct buf *message);

#endif
