/* judge_operators.c: arithmetic, order and conversions of proxies, under the policy at the top of
 * judge_proxy.c. */
#include "verifier/judge_session.h"

static uint8_t standing_of(PyObject *o)
{
    return judge_is_handle(o) ? ((struct proxy *)o)->standing : 0;
}

static PyObject *refuse(PyObject *answer)
{
    Py_XDECREF(answer);
    PyErr_SetString(PyExc_TypeError,
                    "the program's object may not turn the test's value into plain data");
    return NULL;
}

/* What an operator gave, where `taken_in` says that the test's value went into it. */
static PyObject *passed_on(PyObject *answer, uint8_t standing, bool taken_in)
{
    if (!answer)
        return NULL;
    bool tainted = taken_in || (standing & STANDING_TAINTED);
    if (!judge_is_handle(answer))
        return tainted ? refuse(answer) : answer;
    ((struct proxy *)answer)->standing |= tainted ? STANDING_TAINTED : standing & STANDING_OPEN;
    return answer;
}

/* `a` or `b` is a handle. */
PyObject *judge__binary(enum guest_operator op, PyObject *a, PyObject *b)
{
    bool both = judge_is_handle(a) && judge_is_handle(b), ordering = op >= GUEST_OP_LT;
    uint8_t standing = standing_of(a) | standing_of(b);
    bool open = (standing & STANDING_OPEN) && !(standing & STANDING_TAINTED);
    if (!both && !open && ordering)
        Py_RETURN_NOTIMPLEMENTED;
    PyObject *answer = judge__operate(op, open ? GUEST_WANT_OBJECT : 0, PyTuple_Pack(2, a, b));
    return passed_on(answer, standing, !both && !open);
}

#define BINARY(name, op)                                                                           \
    static PyObject *name(PyObject *a, PyObject *b)                                                \
    {                                                                                              \
        return judge__binary(op, a, b);                                                            \
    }
BINARY(op_add, GUEST_OP_ADD)
BINARY(op_subtract, GUEST_OP_SUBTRACT)
BINARY(op_multiply, GUEST_OP_MULTIPLY)
BINARY(op_matrix_multiply, GUEST_OP_MATRIX_MULTIPLY)
BINARY(op_true_divide, GUEST_OP_TRUE_DIVIDE)
BINARY(op_floor_divide, GUEST_OP_FLOOR_DIVIDE)
BINARY(op_remainder, GUEST_OP_REMAINDER)
BINARY(op_divmod, GUEST_OP_DIVMOD)
BINARY(op_lshift, GUEST_OP_LSHIFT)
BINARY(op_rshift, GUEST_OP_RSHIFT)
BINARY(op_and, GUEST_OP_AND)
BINARY(op_or, GUEST_OP_OR)
BINARY(op_xor, GUEST_OP_XOR)
BINARY(op_iadd, GUEST_OP_IADD)
BINARY(op_isubtract, GUEST_OP_ISUBTRACT)
BINARY(op_imultiply, GUEST_OP_IMULTIPLY)
BINARY(op_imatrix_multiply, GUEST_OP_IMATRIX_MULTIPLY)
BINARY(op_itrue_divide, GUEST_OP_ITRUE_DIVIDE)
BINARY(op_ifloor_divide, GUEST_OP_IFLOOR_DIVIDE)
BINARY(op_iremainder, GUEST_OP_IREMAINDER)
BINARY(op_ilshift, GUEST_OP_ILSHIFT)
BINARY(op_irshift, GUEST_OP_IRSHIFT)
BINARY(op_iand, GUEST_OP_IAND)
BINARY(op_ior, GUEST_OP_IOR)
BINARY(op_ixor, GUEST_OP_IXOR)

static PyObject *op_power(PyObject *a, PyObject *b, PyObject *modulus)
{
    if (modulus == Py_None)
        return judge__binary(GUEST_OP_POWER, a, b);
    bool open = (standing_of(a) | standing_of(b) | standing_of(modulus)) == STANDING_OPEN;
    PyObject *answer = judge__operate(GUEST_OP_POWER, 0, PyTuple_Pack(3, a, b, modulus));
    return passed_on(answer, open ? STANDING_OPEN : 0, !open);
}

static PyObject *op_ipower(PyObject *a, PyObject *b, PyObject *modulus)
{
    (void)modulus;
    return judge__binary(GUEST_OP_IPOWER, a, b);
}

static PyObject *unary(enum guest_operator op, PyObject *self)
{
    return passed_on(judge__operate(op, 0, PyTuple_Pack(1, self)), standing_of(self), false);
}

#define UNARY(name, op)                                                                            \
    static PyObject *name(PyObject *self)                                                          \
    {                                                                                              \
        return unary(op, self);                                                                    \
    }
UNARY(op_negative, GUEST_OP_NEGATIVE)
UNARY(op_positive, GUEST_OP_POSITIVE)
UNARY(op_invert, GUEST_OP_INVERT)
UNARY(op_absolute, GUEST_OP_ABSOLUTE)
UNARY(op_int, GUEST_OP_INT)
UNARY(op_float, GUEST_OP_FLOAT)
UNARY(op_index, GUEST_OP_INDEX)

static int op_bool(PyObject *self)
{
    PyObject *answer = unary(GUEST_OP_BOOL, self);
    int yes = answer == Py_True ? 1 : answer == Py_False ? 0 : -1;
    if (answer && yes < 0)
        PyErr_SetString(PyExc_TypeError, "__bool__ should return bool");
    Py_XDECREF(answer);
    return yes;
}

static Py_ssize_t op_length(PyObject *self)
{
    PyObject *answer = unary(GUEST_OP_LEN, self);
    Py_ssize_t n = answer && PyLong_Check(answer) ? PyLong_AsSsize_t(answer) : -1;
    Py_XDECREF(answer);
    if (n < 0 && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "len() of the program's object is no length");
    return n;
}

PyType_Slot judge__operator_slots[] = {
    {Py_mp_length, op_length},
    {Py_nb_bool, op_bool},
    {Py_nb_add, op_add},
    {Py_nb_subtract, op_subtract},
    {Py_nb_multiply, op_multiply},
    {Py_nb_matrix_multiply, op_matrix_multiply},
    {Py_nb_true_divide, op_true_divide},
    {Py_nb_floor_divide, op_floor_divide},
    {Py_nb_remainder, op_remainder},
    {Py_nb_divmod, op_divmod},
    {Py_nb_lshift, op_lshift},
    {Py_nb_rshift, op_rshift},
    {Py_nb_and, op_and},
    {Py_nb_or, op_or},
    {Py_nb_xor, op_xor},
    {Py_nb_power, op_power},
    {Py_nb_inplace_add, op_iadd},
    {Py_nb_inplace_subtract, op_isubtract},
    {Py_nb_inplace_multiply, op_imultiply},
    {Py_nb_inplace_matrix_multiply, op_imatrix_multiply},
    {Py_nb_inplace_true_divide, op_itrue_divide},
    {Py_nb_inplace_floor_divide, op_ifloor_divide},
    {Py_nb_inplace_remainder, op_iremainder},
    {Py_nb_inplace_lshift, op_ilshift},
    {Py_nb_inplace_rshift, op_irshift},
    {Py_nb_inplace_and, op_iand},
    {Py_nb_inplace_or, op_ior},
    {Py_nb_inplace_xor, op_ixor},
    {Py_nb_inplace_power, op_ipower},
    {Py_nb_negative, op_negative},
    {Py_nb_positive, op_positive},
    {Py_nb_invert, op_invert},
    {Py_nb_absolute, op_absolute},
    {Py_nb_int, op_int},
    {Py_nb_float, op_float},
    {Py_nb_index, op_index},
    {0, NULL},
};

/* ---- conversions that are methods ------------------------------------------------------------ */

#define METHOD(name, op)                                                                           \
    static PyObject *name(PyObject *self, PyObject *unused)                                        \
    {                                                                                              \
        (void)unused;                                                                              \
        return unary(op, self);                                                                    \
    }
METHOD(method_complex, GUEST_OP_COMPLEX)
METHOD(method_bytes, GUEST_OP_BYTES)
METHOD(method_truncate, GUEST_OP_TRUNCATE)
METHOD(method_floor, GUEST_OP_FLOOR)
METHOD(method_ceiling, GUEST_OP_CEILING)
METHOD(method_reversed, GUEST_OP_REVERSED)
METHOD(method_dir, GUEST_OP_DIR)

/* A number of digits is no value that a test expects. */
static PyObject *method_round(PyObject *self, PyObject *args)
{
    PyObject *first = PyTuple_Pack(1, self);
    PyObject *operands = first ? PySequence_Concat(first, args) : NULL;
    Py_XDECREF(first);
    return passed_on(judge__operate(GUEST_OP_ROUND, 0, operands), standing_of(self), false);
}

static PyObject *copied(enum guest_operator op, PyObject *self)
{
    PyObject *copy = judge__operate(op, GUEST_WANT_OBJECT, PyTuple_Pack(1, self));
    return passed_on(copy, standing_of(self), false);
}

static PyObject *method_copy(PyObject *self, PyObject *unused)
{
    (void)unused;
    return copied(GUEST_OP_COPY, self);
}

static PyObject *method_deepcopy(PyObject *self, PyObject *memo)
{
    (void)memo;
    return copied(GUEST_OP_DEEPCOPY, self);
}

PyMethodDef judge__operator_methods[] = {
    {"__complex__", method_complex, METH_NOARGS, NULL},
    {"__bytes__", method_bytes, METH_NOARGS, NULL},
    {"__trunc__", method_truncate, METH_NOARGS, NULL},
    {"__floor__", method_floor, METH_NOARGS, NULL},
    {"__ceil__", method_ceiling, METH_NOARGS, NULL},
    {"__reversed__", method_reversed, METH_NOARGS, NULL},
    {"__dir__", method_dir, METH_NOARGS, NULL},
    {"__round__", method_round, METH_VARARGS, NULL},
    {"__copy__", method_copy, METH_NOARGS, NULL},
    {"__deepcopy__", method_deepcopy, METH_O, NULL},
    {0},
};
