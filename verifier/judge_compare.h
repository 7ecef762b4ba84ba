/* judge_compare.h: is what the program answered what the test expected? */
#ifndef ASSAY_JUDGE_COMPARE_H
#define ASSAY_JUDGE_COMPARE_H

#include <Python.h>
#include <stdbool.h>

struct judge_compare {
    double tolerance;  /* floats may differ by this, absolutely or relatively; 0: not at all */
    bool any_sequence; /* a tuple may meet a list */
    double absolute, relative; /* or by the sum: `absolute` and `relative` of the expected one */
    bool any_boolean;          /* 1 may meet True */
};

/* `got` is decoded plain data or a handle; `expected` is ours. 1 equal, 0 not, -1 with a Python
 * error set (where `expected` is of a type of its own that compares itself, and fails, or the guest is
 * over). A handle equals no plain data but what its class stores (see judge_proxy.c). */
int judge_equal(PyObject *got, PyObject *expected, const struct judge_compare *how);

#endif
