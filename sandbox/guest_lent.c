/* guest_lent.c: what the judge lends to the program: callables, iterators, exceptions.
 *
 * A callable is a function of this process with the parameters that the judge's has, so that
 * inspect.signature(), functools.wraps() and binding as a method work on it; what has no such
 * description is an object of a C type. Either way a call asks the judge, who may ask questions
 * of its own before it answers. An iterator asks for each item when it is wanted; one that goes on
 * and on is asked for more than one at a time, which the judge grants where nobody can tell. */
#include "sandbox/guest.h"

#include <structmember.h>
#include <unistd.h>

#include "base/check.h"

enum { ASKED_SINGLY = 32, ASKED_AT_ONCE_MAX = 1024 };

struct lent {
    PyObject_HEAD uint32_t number;
    PyObject *dict;
    PyObject *ready;    /* items of an iterator that came with one that was asked for, or NULL */
    Py_ssize_t n_ready; /* of these, how many were given out */
    uint32_t asked;     /* how often it was asked */
    const PyObject *function; /* that stands before it; wraps() copies what functions remember */
};

static PyTypeObject *object_type, *iterator_type;
static PyObject *make_function;

/* The function stands before the C object that it calls, and remembers it for the way home. */
static const char function_source[] =
    "def make(lent, name, doc, head, parameters, call, defaults):\n"
    "    scope = {'_lent_': lent, '_default_': defaults, '__name__': 'tests'}\n"
    "    exec(f'{head} made({parameters}): return _lent_({call})', scope)\n"
    "    made = scope['made']\n"
    "    made.__name__, made.__doc__ = name, doc\n"
    "    made.__qualname__ = name\n"
    "    made.__dict__['" VALUE_OTHER_SELF "'] = lent\n"
    "    return made\n";

/* ---- asking the judge ------------------------------------------------------------------------ */

/* Sends the call, then answers the judge's own questions until the reply to it comes. The caller
 * holds the turn. */
static PyObject *exchange(struct guest *g, struct value_memo *memo, struct buf *request)
{
    const uint32_t seq = g->seq;
    guest_write(GUEST_CALLBACK, seq, request);
    for (;;) {
        struct guest_frame frame;
        guest_read(&frame);
        uint8_t type = frame.head.type;
        if (type != JUDGE_VALUE && type != JUDGE_RAISED && type != JUDGE_CHANGED) {
            guest_end_turn(g);
            guest_answer(g, &frame); /* takes the turn again to write, and keeps it */
            guest_frame_free(&frame);
            continue;
        }
        if (frame.head.seq != seq)
            _exit(GUEST_EXIT_PROTOCOL);
        PyObject *result = NULL;
        if (type == JUDGE_CHANGED)
            guest_take_contents(g, memo, &frame);
        else
            result = guest_take_value(g, memo, &frame);
        guest_frame_free(&frame);
        if (type == JUDGE_CHANGED)
            continue;
        g->seq = seq;
        if (result && type == JUDGE_RAISED) {
            guest_raise(result);
            result = NULL;
        }
        return result;
    }
}

static PyObject *ask(struct lent *lent, enum judge_service service, PyObject *args,
                     PyObject *kwargs)
{
    struct guest *g = &guest__self;
    struct buf request = {0};
    struct value_memo memo = {0};
    uint8_t byte = (uint8_t)service;
    PyObject *named = kwargs ? Py_NewRef(kwargs) : PyDict_New(), *result = NULL;
    PyObject *pair = named ? PyTuple_Pack(2, args, named) : NULL;
    buf_add(&request, &lent->number, sizeof lent->number);
    buf_add(&request, &byte, 1);
    int rc = pair ? value_encode_with(&memo, pair, &g->hook, WIRE_GUEST_BYTES_MAX / 2, &request)
                  : -ENOMEM;
    if (rc < 0) {
        buf_free(&request);
        if (rc == -ENOMEM)
            PyErr_NoMemory();
        else
            PyErr_SetString(PyExc_ValueError, "the arguments are too large or too deep to pass on");
    } else if (Py_EnterRecursiveCall(" in a callable of the caller") == 0) {
        guest_take_turn(g);
        result = exchange(g, &memo, &request);
        guest_end_turn(g);
        Py_LeaveRecursiveCall();
    } else {
        buf_free(&request);
    }
    value_memo_free(&memo);
    Py_XDECREF(pair);
    Py_XDECREF(named);
    return result;
}

static PyObject *lent_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return ask((struct lent *)self, JUDGE_CALL, args, kwargs);
}

static PyObject *lent_next(PyObject *self)
{
    struct lent *lent = (struct lent *)self;
    if (!lent->ready || lent->n_ready >= PyList_GET_SIZE(lent->ready)) {
        uint32_t more = lent->asked < ASKED_SINGLY ? 1 : 2 * (lent->asked - ASKED_SINGLY) + 2;
        PyObject *n = Py_BuildValue("(I)", more < ASKED_AT_ONCE_MAX ? more : ASKED_AT_ONCE_MAX);
        PyObject *items = n ? ask(lent, JUDGE_NEXT, n, NULL) : NULL;
        Py_XDECREF(n);
        if (items && (!PyList_CheckExact(items) || PyList_GET_SIZE(items) == 0))
            _exit(GUEST_EXIT_PROTOCOL);
        if (!items)
            return NULL;
        Py_XSETREF(lent->ready, items);
        lent->n_ready = 0;
        lent->asked++;
    }
    return Py_NewRef(PyList_GET_ITEM(lent->ready, lent->n_ready++));
}

/* ---- objects --------------------------------------------------------------------------------- */

static void lent_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((struct lent *)self)->dict);
    Py_XDECREF(((struct lent *)self)->ready);
    type->tp_free(self);
    Py_DECREF(type);
}

bool guest_lent_number(PyObject *object, uint32_t *ret_number)
{
    if (PyFunction_Check(object)) {
        PyObject *dict = ((PyFunctionObject *)object)->func_dict;
        PyObject *lent = dict ? PyDict_GetItemString(dict, VALUE_OTHER_SELF) : NULL;
        bool own =
            lent && Py_IS_TYPE(lent, object_type) && ((struct lent *)lent)->function == object;
        object = own ? lent : object;
    }
    if (!Py_IS_TYPE(object, object_type) && !Py_IS_TYPE(object, iterator_type))
        return false;
    *ret_number = ((struct lent *)object)->number;
    return true;
}

/* `about`: a name, or (name, doc, head, parameters, call, defaults). */
static PyObject *lent_new(const struct value_foreign *what)
{
    PyTypeObject *type = what->flags & LENT_ITERATOR ? iterator_type : object_type;
    struct lent *lent = PyObject_New(struct lent, type);
    if (!lent)
        return NULL;
    lent->number = what->number;
    lent->function = NULL;
    lent->ready = NULL;
    lent->n_ready = 0;
    lent->asked = 0;
    lent->dict = PyDict_New();
    if (!lent->dict || (PyUnicode_Check(what->about) &&
                        PyDict_SetItemString(lent->dict, "__name__", what->about) < 0)) {
        Py_DECREF(lent);
        return NULL;
    }
    if (!(what->flags & LENT_FUNCTION) || !PyTuple_CheckExact(what->about))
        return (PyObject *)lent;
    PyObject *first = PyTuple_Pack(1, lent);
    PyObject *args = first ? PySequence_Concat(first, what->about) : NULL;
    PyObject *function = args ? PyObject_Call(make_function, args, NULL) : NULL;
    PyErr_Clear(); /* without it the call itself still works */
    Py_XDECREF(first);
    Py_XDECREF(args);
    if (!function)
        return (PyObject *)lent;
    lent->function = function;
    Py_DECREF(lent);
    return function;
}

PyObject *guest_lent(struct guest *g, const struct value_foreign *what)
{
    PyObject *key = PyLong_FromUnsignedLong(what->number);
    PyObject *known = key ? PyDict_GetItemWithError(g->lent, key) : NULL;
    PyObject *made = known ? Py_NewRef(known) : key ? lent_new(what) : NULL;
    if (made && !known && PyDict_SetItem(g->lent, key, made) < 0)
        Py_CLEAR(made);
    Py_XDECREF(key);
    return made;
}

static PyTypeObject *make_type(const char *name, PyType_Slot *slots)
{
    PyType_Spec spec = {
        .name = name,
        .basicsize = sizeof(struct lent),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = slots,
    };
    return (PyTypeObject *)PyType_FromSpec(&spec);
}

int guest_lent_prepare(void)
{
    static PyMemberDef members[] = {
        {"__dictoffset__", T_PYSSIZET, offsetof(struct lent, dict), READONLY, NULL}, {0}};
    static PyGetSetDef dict_attribute[] = {
        {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL}, {0}};
    static PyType_Slot callable[] = {{Py_tp_call, lent_call},
                                     {Py_tp_dealloc, lent_dealloc},
                                     {Py_tp_members, members},
                                     {Py_tp_getset, dict_attribute},
                                     {0, NULL}};
    static PyType_Slot iterator[] = {{Py_tp_iter, PyObject_SelfIter},
                                     {Py_tp_iternext, lent_next},
                                     {Py_tp_dealloc, lent_dealloc},
                                     {Py_tp_members, members},
                                     {0, NULL}};
    object_type = make_type("callable_argument", callable);
    iterator_type = make_type("iterator_argument", iterator);
    PyObject *scope = PyDict_New(), *done = NULL;
    if (scope && PyDict_SetItemString(scope, "__builtins__", PyEval_GetBuiltins()) == 0)
        done = PyRun_String(function_source, Py_file_input, scope, scope);
    make_function = done ? Py_XNewRef(PyDict_GetItemString(scope, "make")) : NULL;
    Py_XDECREF(done);
    Py_XDECREF(scope);
    return object_type && iterator_type && make_function ? 0 : -1;
}
