/* judge_proxy.c: a proxy stands for an object that never leaves the guest.
 *
 * What crosses does so by value (value.h); a proxy holds only the object's number. Each
 * operation on it is one question to the guest and one answer, except what decides a test: ==
 * and != are identity of the handle and never asked, for an object may claim to equal anything.
 * The same holds for operators that bring the test's own value to the object (`h - 0.5`, `h <
 * 3`, `3 in h`): a lying object could answer 0, True or whatever makes the test pass. So an
 * operator between a handle and plain data may only yield another handle, ordering is answered
 * between two handles only, and `in` walks the object and compares here. Where the problem's own
 * starter or reference defines the entry point as a class, its operators are what is being
 * tested, and these three are asked as well. */
#include "verifier/judge_proxy.h"

#include "verifier/judge_session.h"

struct proxy {
    PyObject_HEAD uint32_t number, generation;
};

PyTypeObject *judge__proxy_type;

bool judge_is_handle(PyObject *object)
{
    return Py_TYPE(object) == judge__proxy_type;
}

PyObject *judge__proxy_new(uint32_t number, uint32_t generation)
{
    struct proxy *p = PyObject_New(struct proxy, judge__proxy_type);
    if (p) {
        p->number = number;
        p->generation = generation;
    }
    return (PyObject *)p;
}

bool judge__proxy_number(PyObject *object, uint32_t *ret_number)
{
    struct proxy *p = (struct proxy *)object;
    if (!judge_is_handle(object) || p->generation != judge__generation())
        return false;
    *ret_number = p->number;
    return true;
}

static void proxy_dealloc(PyObject *self)
{
    struct proxy *p = (struct proxy *)self;
    PyTypeObject *type = Py_TYPE(self);
    judge__release(p->number, p->generation);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* ---- questions ------------------------------------------------------------------------------- */

static int alive(PyObject *self)
{
    if (((struct proxy *)self)->generation == judge__generation())
        return 0;
    PyErr_SetString(PyExc_ReferenceError, "an object of a program that has ended");
    return -1;
}

static int begin(PyObject *self)
{
    if (alive(self) < 0)
        return -1;
    judge__begin();
    judge__put_u32(((struct proxy *)self)->number);
    return 0;
}

PyObject *judge_call(PyObject *proxy, PyObject *args, PyObject *kwargs, bool keep_args)
{
    if (!judge_is_handle(proxy)) {
        PyErr_Format(PyExc_TypeError, "the program's object of type %s is not callable",
                     Py_TYPE(proxy)->tp_name);
        return NULL;
    }
    PyObject *plain = judge__plain_args(args), *answer = NULL;
    if (plain && begin(proxy) == 0 && judge__put_value(plain) == 0 &&
        (kwargs ? judge__put_value(kwargs) : judge__put_empty_dict()) == 0)
        answer = judge__ask(GUEST_CALL, keep_args ? NULL : plain);
    Py_XDECREF(plain);
    return answer;
}

static PyObject *proxy_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return judge_call(self, args, kwargs, false);
}

static PyObject *get_attribute(PyObject *self, PyObject *name)
{
    if (begin(self) < 0 || judge__put_name(name) < 0)
        return NULL;
    return judge__ask(GUEST_GETATTR, NULL);
}

static PyObject *call_method(PyObject *self, const char *name, PyObject *args)
{
    PyObject *text = PyUnicode_FromString(name);
    PyObject *method = text && args ? get_attribute(self, text) : NULL;
    PyObject *result = method ? judge_call(method, args, NULL, false) : NULL;
    Py_XDECREF(text);
    Py_XDECREF(method);
    Py_XDECREF(args);
    return result;
}

/* Names like __class__ and __eq__ are the proxy's own, so that isinstance() and explicit
 * comparisons are not answered by the program; those that a proxy lacks (__name__, __doc__, ...)
 * are plain attributes. */
static PyObject *proxy_getattr(PyObject *self, PyObject *name)
{
    Py_ssize_t n = PyUnicode_GetLength(name);
    if (n > 4 && PyUnicode_ReadChar(name, 0) == '_' && PyUnicode_ReadChar(name, 1) == '_' &&
        PyUnicode_ReadChar(name, n - 1) == '_') {
        PyObject *own = PyObject_GenericGetAttr(self, name);
        if (own || !PyErr_ExceptionMatches(PyExc_AttributeError))
            return own;
        PyErr_Clear();
    }
    return get_attribute(self, name);
}

static int done(PyObject *answer)
{
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

static int proxy_setattr(PyObject *self, PyObject *name, PyObject *value)
{
    if (!value)
        return done(call_method(self, "__delattr__", PyTuple_Pack(1, name)));
    if (begin(self) < 0 || judge__put_name(name) < 0 || judge__put_value(value) < 0)
        return -1;
    return done(judge__ask(GUEST_SETATTR, NULL));
}

static PyObject *proxy_getitem(PyObject *self, PyObject *key)
{
    if (begin(self) < 0 || judge__put_value(key) < 0)
        return NULL;
    return judge__ask(GUEST_GETITEM, NULL);
}

static int proxy_setitem(PyObject *self, PyObject *key, PyObject *value)
{
    if (!value)
        return done(call_method(self, "__delitem__", PyTuple_Pack(1, key)));
    if (begin(self) < 0 || judge__put_value(key) < 0 || judge__put_value(value) < 0)
        return -1;
    return done(judge__ask(GUEST_SETITEM, NULL));
}

static PyObject *proxy_iter(PyObject *self)
{
    if (begin(self) < 0)
        return NULL;
    PyObject *iterator = judge__ask(GUEST_ITER, NULL);
    if (iterator && !PyIter_Check(iterator)) {
        PyErr_SetString(PyExc_TypeError, "iter() of the program's object is no iterator");
        Py_CLEAR(iterator);
    }
    return iterator;
}

static PyObject *proxy_next(PyObject *self)
{
    if (begin(self) < 0)
        return NULL;
    return judge__ask(GUEST_NEXT, NULL);
}

static Py_ssize_t proxy_length(PyObject *self)
{
    if (begin(self) < 0)
        return -1;
    PyObject *answer = judge__ask(GUEST_LEN, NULL);
    if (!answer)
        return -1;
    Py_ssize_t n = PyLong_Check(answer) ? PyLong_AsSsize_t(answer) : -1;
    Py_DECREF(answer);
    if (n < 0 && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "len() of the program's object is no length");
    return n;
}

static int proxy_contains(PyObject *self, PyObject *value)
{
    if (judge__open_operators()) {
        if (begin(self) < 0 || judge__put_value(value) < 0)
            return -1;
        PyObject *answer = judge__ask(GUEST_CONTAINS, NULL);
        int yes = answer ? answer == Py_True : -1;
        Py_XDECREF(answer);
        return yes;
    }
    PyObject *iterator = proxy_iter(self), *item;
    int found = iterator ? 0 : -1;
    while (found == 0 && (item = PyIter_Next(iterator)) != NULL) {
        found = PyObject_RichCompareBool(item, value, Py_EQ);
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    return found == 0 && PyErr_Occurred() ? -1 : found;
}

/* Asks __bool__, then the length; an object with neither is true, as in Python. */
static int proxy_bool(PyObject *self)
{
    PyObject *answer = call_method(self, "__bool__", PyTuple_New(0));
    if (answer) {
        int yes = answer == Py_True ? 1 : answer == Py_False ? 0 : -1;
        Py_DECREF(answer);
        if (yes < 0)
            PyErr_SetString(PyExc_TypeError, "__bool__ should return bool");
        return yes;
    }
    if (!PyErr_ExceptionMatches(PyExc_AttributeError) && !PyErr_ExceptionMatches(PyExc_TypeError))
        return -1;
    PyErr_Clear();
    Py_ssize_t n = proxy_length(self);
    if (n >= 0)
        return n > 0;
    if (!PyErr_ExceptionMatches(PyExc_TypeError))
        return -1;
    PyErr_Clear();
    return 1;
}

static PyObject *proxy_str(PyObject *self)
{
    if (begin(self) < 0)
        return NULL;
    return judge__ask(GUEST_STR, NULL);
}

static PyObject *proxy_repr(PyObject *self)
{
    return call_method(self, "__repr__", PyTuple_New(0));
}

static Py_hash_t proxy_hash(PyObject *self)
{
    struct proxy *p = (struct proxy *)self;
    return (Py_hash_t)(((uint64_t)p->generation << 32 | p->number) >> 1) + 7;
}

/* ---- operators ------------------------------------------------------------------------------- */

static PyObject *binary(enum guest_operator op, PyObject *a, PyObject *b)
{
    bool both = judge_is_handle(a) && judge_is_handle(b), ordering = op >= GUEST_OP_LT;
    if (!both && !judge__open_operators() && ordering)
        Py_RETURN_NOTIMPLEMENTED;
    if (alive(judge_is_handle(a) ? a : b) < 0)
        return NULL;
    judge__begin();
    judge__put_u8((uint8_t)op);
    if (judge__put_value(a) < 0 || judge__put_value(b) < 0)
        return NULL;
    PyObject *answer = judge__ask(GUEST_BINARY, NULL);
    if (answer && !both && !judge__open_operators() && !judge_is_handle(answer)) {
        Py_DECREF(answer);
        PyErr_SetString(PyExc_TypeError,
                        "the program's object may not turn the test's value into plain data");
        return NULL;
    }
    return answer;
}

static PyObject *proxy_compare(PyObject *a, PyObject *b, int how)
{
    static const uint8_t ops[] = {
        [Py_LT] = GUEST_OP_LT, [Py_LE] = GUEST_OP_LE, [Py_GT] = GUEST_OP_GT, [Py_GE] = GUEST_OP_GE};
    if (how != Py_EQ && how != Py_NE)
        return binary(ops[how], a, b);
    struct proxy *x = (struct proxy *)a, *y = (struct proxy *)b;
    bool same = judge_is_handle(b) && x->number == y->number && x->generation == y->generation;
    return PyBool_FromLong(same == (how == Py_EQ));
}

#define BINARY(name, op)                                                                           \
    static PyObject *name(PyObject *a, PyObject *b)                                                \
    {                                                                                              \
        return binary(op, a, b);                                                                   \
    }
BINARY(op_add, GUEST_OP_ADD)
BINARY(op_subtract, GUEST_OP_SUBTRACT)
BINARY(op_multiply, GUEST_OP_MULTIPLY)
BINARY(op_matrix_multiply, GUEST_OP_MATRIX_MULTIPLY)
BINARY(op_true_divide, GUEST_OP_TRUE_DIVIDE)
BINARY(op_floor_divide, GUEST_OP_FLOOR_DIVIDE)
BINARY(op_remainder, GUEST_OP_REMAINDER)
BINARY(op_lshift, GUEST_OP_LSHIFT)
BINARY(op_rshift, GUEST_OP_RSHIFT)
BINARY(op_and, GUEST_OP_AND)
BINARY(op_or, GUEST_OP_OR)
BINARY(op_xor, GUEST_OP_XOR)

static PyObject *op_power(PyObject *a, PyObject *b, PyObject *modulus)
{
    if (modulus != Py_None)
        Py_RETURN_NOTIMPLEMENTED;
    return binary(GUEST_OP_POWER, a, b);
}

static PyObject *unary(PyObject *self, const char *name)
{
    PyObject *answer = call_method(self, name, PyTuple_New(0));
    if (answer && !judge__open_operators() && !judge_is_handle(answer)) {
        Py_DECREF(answer);
        PyErr_Format(PyExc_TypeError, "%s of the program's object is not asked", name);
        return NULL;
    }
    return answer;
}

#define UNARY(name, dunder)                                                                        \
    static PyObject *name(PyObject *self)                                                          \
    {                                                                                              \
        return unary(self, dunder);                                                                \
    }
UNARY(op_negative, "__neg__")
UNARY(op_positive, "__pos__")
UNARY(op_invert, "__invert__")
UNARY(op_absolute, "__abs__")

static PyObject *proxy_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return call_method(self, "__enter__", PyTuple_New(0));
}

/* The exception itself is not told: it may be the test's own, values included. */
static PyObject *proxy_exit(PyObject *self, PyObject *args)
{
    (void)args;
    return call_method(self, "__exit__", PyTuple_Pack(3, Py_None, Py_None, Py_None));
}

static PyMethodDef proxy_methods[] = {
    {"__enter__", proxy_enter, METH_NOARGS, NULL},
    {"__exit__", proxy_exit, METH_VARARGS, NULL},
    {0},
};

static PyType_Slot proxy_slots[] = {
    {Py_tp_dealloc, proxy_dealloc},
    {Py_tp_call, proxy_call},
    {Py_tp_getattro, proxy_getattr},
    {Py_tp_setattro, proxy_setattr},
    {Py_tp_iter, proxy_iter},
    {Py_tp_iternext, proxy_next},
    {Py_tp_str, proxy_str},
    {Py_tp_repr, proxy_repr},
    {Py_tp_hash, proxy_hash},
    {Py_tp_richcompare, proxy_compare},
    {Py_tp_methods, proxy_methods},
    {Py_mp_length, proxy_length},
    {Py_mp_subscript, proxy_getitem},
    {Py_mp_ass_subscript, proxy_setitem},
    {Py_sq_contains, proxy_contains},
    {Py_nb_bool, proxy_bool},
    {Py_nb_add, op_add},
    {Py_nb_subtract, op_subtract},
    {Py_nb_multiply, op_multiply},
    {Py_nb_matrix_multiply, op_matrix_multiply},
    {Py_nb_true_divide, op_true_divide},
    {Py_nb_floor_divide, op_floor_divide},
    {Py_nb_remainder, op_remainder},
    {Py_nb_lshift, op_lshift},
    {Py_nb_rshift, op_rshift},
    {Py_nb_and, op_and},
    {Py_nb_or, op_or},
    {Py_nb_xor, op_xor},
    {Py_nb_power, op_power},
    {Py_nb_negative, op_negative},
    {Py_nb_positive, op_positive},
    {Py_nb_invert, op_invert},
    {Py_nb_absolute, op_absolute},
    {0, NULL},
};

static PyType_Spec proxy_spec = {
    .name = "judge.Handle",
    .basicsize = sizeof(struct proxy),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = proxy_slots,
};

int judge_proxy_init(void)
{
    judge__proxy_type = (PyTypeObject *)PyType_FromSpec(&proxy_spec);
    return judge__proxy_type ? judge__session_init() : -1;
}
