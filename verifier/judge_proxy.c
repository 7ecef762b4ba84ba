/* judge_proxy.c: a proxy stands for an object that never leaves the guest.
 *
 * What crosses does so by value (value.h); a proxy holds only the object's number. Each
 * operation on it is one question to the guest and one answer. Who may decide a test is another
 * matter: an object can claim anything of itself, and this is the policy.
 *
 * Plain data. A handle never equals plain data, and the object is not asked. An object whose class
 * derives from plain data (`class Stack(list)`) equals what it stores, which is fetched by value.
 * The test's own types may compare themselves with a handle (an `approx`), as their code is ours.
 *
 * Two handles. Where neither side is data of the test's, equality and order are the program's to
 * say; it could as well return equal objects. Against the simplest lie, an object that says it
 * equals another is also shown a value that no object equals. Objects of a class that the *starter*
 * defines are the exception: the test compares what the program made with what it made itself, so
 * the judge's own copy of the class compares, reading attributes through the proxies; without an
 * __eq__ there, identity decides. The entry point's own class is not meant by this.
 *
 * A handle and the test's plain data. `h - 0.5`, `h < 3`, `3 in h` hand the test's value to the
 * object, which could answer 0 or True. This is asked only of *open* objects: those that the test
 * itself made by calling a *vouched* class, and what their operators return. A class is vouched for
 * by the problem's text: the starter or the reference defines the entry point as a class, or the
 * test uses the (capitalised) name as one; never by the program's saying so. What methods and
 * functions return is not open, whatever its class: a test expects a number there. For all others
 * ordering with plain data is refused, `in` walks the object and compares here, and arithmetic with
 * plain data may only give another handle, which is then *tainted*: it has seen a value of the
 * test's and may not become plain data by any operator.
 *
 * Without a value of the test's, an object may turn into data (len, int, round, abs, str, hash): it
 * has to know the right answer, as a plain return value would. Its methods may answer anything, True
 * to `startswith("a")` as well; those of plain data that only say yes or no are therefore refused
 * as long as no class is vouched for. A StopIteration of the program would end the test's own
 * loop, as in `for got in map(candidate, xs)`; only next() and its kin let it through. */
#include "verifier/judge_session.h"

static PyTypeObject *proxy_type, *awaitable_type;

bool judge_is_handle(PyObject *object)
{
    return Py_TYPE(object) == proxy_type || Py_TYPE(object) == awaitable_type;
}

static struct proxy *proxy_of(PyObject *object)
{
    return (struct proxy *)object;
}

PyObject *judge__proxy_new(const struct value_foreign *what, uint32_t generation)
{
    bool awaitable = what->flags & HANDLE_AWAITABLE;
    struct proxy *p = PyObject_New(struct proxy, awaitable ? awaitable_type : proxy_type);
    if (p) {
        p->number = what->number;
        p->generation = generation;
        p->flags = what->flags;
        p->standing = 0;
        p->starter = Py_XNewRef(judge__starter_class(what->number));
    }
    return (PyObject *)p;
}

bool judge__proxy_number(PyObject *object, uint32_t *ret_number)
{
    if (!judge_is_handle(object) || proxy_of(object)->generation != judge__generation())
        return false;
    *ret_number = proxy_of(object)->number;
    return true;
}

static void proxy_dealloc(PyObject *self)
{
    struct proxy *p = proxy_of(self);
    PyTypeObject *type = Py_TYPE(self);
    judge__release(p->number, p->generation);
    Py_XDECREF(p->starter);
    PyObject_Free(self);
    Py_DECREF(type);
}

void judge_vouch(PyObject *proxy)
{
    if (judge_is_handle(proxy) && (proxy_of(proxy)->flags & HANDLE_CLASS)) {
        proxy_of(proxy)->standing |= STANDING_VOUCHED;
        judge__speak_of_class();
    }
}

void judge_stand_in(PyObject *proxy, PyObject *class)
{
    if (judge_is_handle(proxy) && (proxy_of(proxy)->flags & HANDLE_CLASS))
        Py_XSETREF(proxy_of(proxy)->starter, Py_NewRef(class));
}

/* ---- questions ------------------------------------------------------------------------------- */

/* The start of a question about one object. */
static int begin(PyObject *self, struct buf *q)
{
    if (proxy_of(self)->generation != judge__generation()) {
        PyErr_SetString(PyExc_ReferenceError, "an object of a program that has ended");
        return -1;
    }
    judge__put_u32(q, proxy_of(self)->number);
    return 0;
}

PyObject *judge__operate(enum guest_operator op, uint8_t wants, PyObject *operands)
{
    struct buf q = {0};
    PyObject *answer = NULL;
    judge__put_u8(&q, (uint8_t)op);
    judge__put_u8(&q, wants);
    if (!operands)
        buf_free(&q);
    else if (judge__put_value(&q, operands, NULL) == 0)
        answer = judge__ask(GUEST_OPERATE, &q, NULL);
    Py_XDECREF(operands);
    return answer;
}

PyObject *judge_stored(PyObject *proxy)
{
    struct buf q = {0};
    if (!judge_is_handle(proxy) || !(proxy_of(proxy)->flags & HANDLE_STORES) ||
        begin(proxy, &q) < 0)
        return NULL;
    return judge__ask(GUEST_STORED, &q, NULL);
}

static bool is_class(PyObject *self)
{
    return proxy_of(self)->standing & STANDING_VOUCHED;
}

/* What the test made of a class is marked as such. */
static PyObject *made_by_test(PyObject *class, PyObject *answer)
{
    if (!answer || !judge_is_handle(answer))
        return answer;
    struct proxy *p = proxy_of(answer), *c = proxy_of(class);
    if (c->standing & STANDING_VOUCHED)
        p->standing |= STANDING_OPEN;
    if (c->starter && (c->flags & HANDLE_CLASS) && !(p->flags & HANDLE_CLASS)) {
        Py_XSETREF(p->starter, Py_NewRef(c->starter));
        if (judge__keep_starter_object(answer) < 0)
            Py_CLEAR(answer);
    }
    return answer;
}

PyObject *judge_call(PyObject *proxy, PyObject *args, PyObject *kwargs, bool keep_args)
{
    struct buf q = {0};
    struct value_memo memo = {0};
    if (!judge_is_handle(proxy)) {
        PyErr_Format(PyExc_TypeError, "the program's object of type %s is not callable",
                     Py_TYPE(proxy)->tp_name);
        return NULL;
    }
    keep_args = keep_args || judge__keeps_args();
    unsigned wants = (is_class(proxy) || proxy_of(proxy)->starter ? GUEST_WANT_OBJECT : 0u) |
                     (keep_args ? 0u : GUEST_WANT_CHANGES) |
                     (judge__awaits() ? GUEST_WANT_AWAITABLE : 0u);
    PyObject *named = kwargs ? Py_NewRef(kwargs) : PyDict_New(), *answer = NULL;
    PyObject *pair = named ? PyTuple_Pack(2, args, named) : NULL;
    if (pair && begin(proxy, &q) == 0) {
        judge__put_u8(&q, (uint8_t)wants);
        if (judge__put_value(&q, pair, &memo) == 0)
            answer = judge__ask(GUEST_CALL, &q, keep_args ? NULL : &memo);
    }
    value_memo_free(&memo);
    Py_XDECREF(pair);
    Py_XDECREF(named);
    return made_by_test(proxy, answer);
}

/* numpy takes what an object answers to these for the address of its memory. */
static const char *const memory[] = {
    "__array_interface__", "__array_struct__", "__cuda_array_interface__",
    "__buffer__",          "__dlpack__",       NULL,
};

/* Methods of text, numbers and sets that say yes or no: where no class is spoken of, a test that
 * asks for them means data. */
static const char *const verdicts[] = {
    "startswith", "endswith",     "isalnum",    "isalpha",     "isascii",     "isdecimal",
    "isdigit",    "isidentifier", "islower",    "isnumeric",   "isprintable", "isspace",
    "istitle",    "isupper",      "is_integer", "issubset",    "issuperset",  "isdisjoint",
    "is_nan",     "is_zero",      "is_finite",  "is_infinite", "is_signed",   NULL,
};

/* Methods of generators that end with StopIteration. */
static const char *const steps[] = {"send", "throw", "__next__", NULL};

static bool is_one_of(PyObject *name, const char *const *names)
{
    while (*names && PyUnicode_CompareWithASCIIString(name, *names) != 0)
        names++;
    return *names != NULL;
}

static PyObject *proxy_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    judge_let_stop(proxy_of(self)->standing & STANDING_STEP);
    return judge_call(self, args, kwargs, false);
}

static PyObject *get_attribute(PyObject *self, PyObject *name)
{
    struct buf q = {0};
    if (begin(self, &q) < 0)
        return NULL;
    judge__put_u8(&q, is_class(self) ? GUEST_WANT_OBJECT : 0);
    if (judge__put_name(&q, name) < 0)
        return NULL;
    PyObject *answer = judge__ask(GUEST_GETATTR, &q, NULL);
    if (answer && judge_is_handle(answer) && is_one_of(name, steps))
        proxy_of(answer)->standing |= STANDING_STEP;
    return answer;
}

static bool is_special(PyObject *name)
{
    Py_ssize_t n = PyUnicode_GetLength(name);
    return n > 4 && PyUnicode_ReadChar(name, 0) == '_' && PyUnicode_ReadChar(name, 1) == '_' &&
           PyUnicode_ReadChar(name, n - 1) == '_';
}

/* Names like __class__ and __eq__ are the proxy's own, so that isinstance() and explicit
 * comparisons are not answered by the program; those that its type does not define itself
 * (__name__, __doc__, __dict__, ...) are plain attributes. */
static PyObject *proxy_getattr(PyObject *self, PyObject *name)
{
    if (is_special(name) && PyUnicode_CompareWithASCIIString(name, "__doc__") != 0 &&
        PyUnicode_CompareWithASCIIString(name, "__module__") != 0 &&
        (PyDict_Contains(Py_TYPE(self)->tp_dict, name) == 1 ||
         PyDict_Contains(proxy_type->tp_dict, name) == 1))
        return PyObject_GenericGetAttr(self, name);
    if (is_one_of(name, memory))
        return PyObject_GenericGetAttr(self, name);
    if (!judge__speaks_of_classes() && is_one_of(name, verdicts)) {
        PyErr_Format(PyExc_AttributeError, "the program's object is no data, and has no %U()",
                     name);
        return NULL;
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
        return done(judge__operate(GUEST_OP_DELATTR, 0, PyTuple_Pack(2, self, name)));
    return done(judge__operate(GUEST_OP_SETATTR, 0, PyTuple_Pack(3, self, name, value)));
}

static PyObject *proxy_getitem(PyObject *self, PyObject *key)
{
    return judge__operate(GUEST_OP_GETITEM, is_class(self) ? GUEST_WANT_OBJECT : 0,
                          PyTuple_Pack(2, self, key));
}

static int proxy_setitem(PyObject *self, PyObject *key, PyObject *value)
{
    if (!value)
        return done(judge__operate(GUEST_OP_DELITEM, 0, PyTuple_Pack(2, self, key)));
    return done(judge__operate(GUEST_OP_SETITEM, 0, PyTuple_Pack(3, self, key, value)));
}

static PyObject *proxy_iter(PyObject *self)
{
    PyObject *iterator = judge__operate(GUEST_OP_ITER, 0, PyTuple_Pack(1, self));
    if (iterator && !PyIter_Check(iterator)) {
        PyErr_SetString(PyExc_TypeError, "iter() of the program's object is no iterator");
        Py_CLEAR(iterator);
    }
    return iterator;
}

static PyObject *proxy_next(PyObject *self)
{
    struct buf q = {0};
    return begin(self, &q) < 0 ? NULL : judge__ask(GUEST_NEXT, &q, NULL);
}

/* A plain object can only be what it stores. */
static int stored_contains(PyObject *self, PyObject *value)
{
    PyObject *stored = judge_stored(self);
    int found = stored ? PySequence_Contains(stored, value) : -1;
    Py_XDECREF(stored);
    return found;
}

static int proxy_contains(PyObject *self, PyObject *value)
{
    if ((proxy_of(self)->standing & STANDING_OPEN) || judge_is_handle(value)) {
        PyObject *answer = judge__operate(GUEST_OP_CONTAINS, 0, PyTuple_Pack(2, self, value));
        int yes = answer ? answer == Py_True : -1;
        Py_XDECREF(answer);
        return yes;
    }
    if (proxy_of(self)->flags & HANDLE_STORES)
        return stored_contains(self, value);
    PyObject *iterator = proxy_iter(self), *item;
    int found = iterator ? 0 : -1;
    while (found == 0 && (item = PyIter_Next(iterator)) != NULL) {
        found = PyObject_RichCompareBool(item, value, Py_EQ);
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    return found == 0 && PyErr_Occurred() ? -1 : found;
}

/* Text is text, whatever class of it the object returned. */
static PyObject *text(enum guest_operator op, PyObject *operands)
{
    PyObject *answer = judge__operate(op, 0, operands);
    if (answer && !PyUnicode_Check(answer)) {
        Py_DECREF(answer);
        PyErr_SetString(PyExc_TypeError, "the text of the program's object is no str");
        return NULL;
    }
    return answer;
}

static PyObject *proxy_str(PyObject *self)
{
    return text(GUEST_OP_STR, PyTuple_Pack(1, self));
}

static PyObject *proxy_repr(PyObject *self)
{
    return text(GUEST_OP_REPR, PyTuple_Pack(1, self));
}

static PyObject *proxy_format(PyObject *self, PyObject *spec)
{
    return text(GUEST_OP_FORMAT, PyTuple_Pack(2, self, spec));
}

/* ---- equality, order, hash ------------------------------------------------------------------- */

/* A function that the judge's own class defines for an operator; borrowed, NULL: inherits object's. */
static PyObject *starter_function(PyObject *class, const char *name)
{
    PyObject *mro = ((PyTypeObject *)class)->tp_mro;
    for (Py_ssize_t i = 0; mro && i + 1 < PyTuple_GET_SIZE(mro); i++) {
        PyObject *dict = ((PyTypeObject *)PyTuple_GET_ITEM(mro, i))->tp_dict;
        PyObject *found = PyDict_GetItemString(dict, name);
        if (found && found != Py_None)
            return found;
    }
    return NULL;
}

static const char *const order_names[] = {
    [Py_LT] = "__lt__", [Py_LE] = "__le__", [Py_EQ] = "__eq__",
    [Py_NE] = "__ne__", [Py_GT] = "__gt__", [Py_GE] = "__ge__",
};

static PyObject *starter_compare(PyObject *class, PyObject *a, PyObject *b, int how);

/* Both count as objects of the class meanwhile: what is compared is what they hold. */
static PyObject *compare_as(PyObject *class, PyObject *function, PyObject *a, PyObject *b)
{
    PyObject **slots[2] = {&proxy_of(a)->starter, &proxy_of(b)->starter}, *kept[2];
    for (int i = 0; i < 2; i++) {
        kept[i] = *slots[i];
        *slots[i] = Py_NewRef(class);
    }
    PyObject *answer = PyObject_CallFunctionObjArgs(function, a, b, NULL);
    for (int i = 0; i < 2; i++)
        Py_SETREF(*slots[i], kept[i]);
    return answer;
}

/* By the judge's own class. */
static PyObject *starter_compare(PyObject *class, PyObject *a, PyObject *b, int how)
{
    bool same = proxy_of(a)->number == proxy_of(b)->number;
    PyObject *function = starter_function(class, order_names[how]);
    if (function)
        return compare_as(class, function, a, b);
    if (how == Py_EQ)
        return PyBool_FromLong(same);
    if (how == Py_NE) {
        PyObject *equal = starter_compare(class, a, b, Py_EQ);
        int yes = !equal || equal == Py_NotImplemented ? -1 : PyObject_IsTrue(equal);
        PyObject *answer = yes < 0 ? equal : PyBool_FromLong(!yes);
        if (yes >= 0)
            Py_DECREF(equal);
        return answer;
    }
    Py_RETURN_NOTIMPLEMENTED;
}

/* Whether the object would say so of anything. */
static int equals_anything(PyObject *object)
{
    PyObject *answer = judge__operate(GUEST_OP_EQ, 0, PyTuple_Pack(2, object, Py_Ellipsis));
    if (!answer && !PyErr_ExceptionMatches(PyExc_Exception))
        return -1;
    bool yes = answer == Py_True;
    PyErr_Clear();
    Py_XDECREF(answer);
    return yes;
}

static PyObject *equal_handles(PyObject *a, PyObject *b, int how)
{
    if (proxy_of(a)->number == proxy_of(b)->number)
        return PyBool_FromLong(how == Py_EQ);
    PyObject *answer =
        judge__operate(how == Py_EQ ? GUEST_OP_EQ : GUEST_OP_NE, 0, PyTuple_Pack(2, a, b));
    if (how == Py_EQ && answer == Py_True) {
        int lies = equals_anything(a);
        Py_DECREF(answer);
        return lies < 0 ? NULL : PyBool_FromLong(!lies);
    }
    return answer;
}

static PyObject *proxy_compare(PyObject *a, PyObject *b, int how)
{
    static const uint8_t ops[] = {
        [Py_LT] = GUEST_OP_LT, [Py_LE] = GUEST_OP_LE, [Py_GT] = GUEST_OP_GT, [Py_GE] = GUEST_OP_GE};
    bool equality = how == Py_EQ || how == Py_NE;
    if (judge_is_handle(b)) {
        struct proxy *x = proxy_of(a), *y = proxy_of(b);
        PyObject *class = x->starter && !(x->flags & HANDLE_CLASS)   ? x->starter
                          : y->starter && !(y->flags & HANDLE_CLASS) ? y->starter
                                                                     : NULL;
        if (class && (equality || starter_function(class, order_names[how])))
            return starter_compare(class, a, b, how);
        return equality ? equal_handles(a, b, how) : judge__binary(ops[how], a, b);
    }
    if (proxy_of(a)->flags & HANDLE_STORES) {
        PyObject *stored = judge_stored(a);
        PyObject *answer = stored ? PyObject_RichCompare(stored, b, how) : NULL;
        Py_XDECREF(stored);
        return answer;
    }
    if (equality)
        Py_RETURN_NOTIMPLEMENTED;
    return judge__binary(ops[how], a, b);
}

static Py_hash_t number_hash(const struct proxy *p)
{
    return (Py_hash_t)(((uint64_t)p->generation << 32 | p->number) >> 1) + 7;
}

static Py_hash_t proxy_hash(PyObject *self)
{
    struct proxy *p = proxy_of(self);
    if (p->generation != judge__generation())
        return number_hash(p);
    PyObject *own =
        p->starter && !(p->flags & HANDLE_CLASS) ? starter_function(p->starter, "__hash__") : NULL;
    bool by_identity = p->starter && !own && !(p->flags & HANDLE_CLASS);
    if (by_identity && !starter_function(p->starter, "__eq__"))
        return number_hash(p);
    PyObject *answer = own ? PyObject_CallOneArg(own, self)
                           : judge__operate(GUEST_OP_HASH, 0, PyTuple_Pack(1, self));
    Py_hash_t hash = answer && PyLong_Check(answer) ? PyObject_Hash(answer) : -1;
    if (answer && !PyLong_Check(answer))
        PyErr_SetString(PyExc_TypeError, "__hash__ method should return an integer");
    Py_XDECREF(answer);
    return hash;
}

/* ---- classes --------------------------------------------------------------------------------- */

/* Types of which isinstance() may be true for a handle: none of them is data. */
static bool is_mechanism(PyObject *type)
{
    PyTypeObject *const mechanisms[] = {
        &PyGen_Type,    &PyCoro_Type,      &PyAsyncGen_Type, &PyFunction_Type,
        &PyMethod_Type, &PyCFunction_Type, &PyMap_Type,      &PyFilter_Type,
        &PyZip_Type,    &PyEnum_Type,      &PyReversed_Type,
    };
    for (size_t i = 0; i < COUNT_OF(mechanisms); i++)
        if (type == (PyObject *)mechanisms[i])
            return true;
    return false;
}

/* Type `type` is a class; else the program's class as a handle, or a type that holds no data. */
static PyObject *proxy_class(PyObject *self, void *unused)
{
    struct proxy *p = proxy_of(self);
    (void)unused;
    if (p->generation != judge__generation())
        return Py_NewRef(Py_TYPE(self));
    if (p->flags & HANDLE_CLASS)
        return Py_NewRef(&PyType_Type);
    if (p->starter)
        return Py_NewRef(p->starter);
    PyObject *type = judge__operate(GUEST_OP_TYPE, 0, PyTuple_Pack(1, self));
    if (type && !judge_is_handle(type) && !is_mechanism(type))
        Py_SETREF(type, Py_NewRef(Py_TYPE(self)));
    return type;
}

/* isinstance(object, self) and issubclass(object, self). */
static PyObject *instance_check(PyObject *self, PyObject *object)
{
    if (!judge_is_handle(object))
        Py_RETURN_FALSE;
    return judge__operate(GUEST_OP_ISINSTANCE, 0, PyTuple_Pack(2, object, self));
}

static PyObject *subclass_check(PyObject *self, PyObject *object)
{
    if (!judge_is_handle(object))
        Py_RETURN_FALSE;
    return judge__operate(GUEST_OP_ISSUBCLASS, 0, PyTuple_Pack(2, object, self));
}

/* ---- context managers and awaiting ----------------------------------------------------------- */

/* Calls a method of the object's. Steals `args`. */
static PyObject *call_method(PyObject *self, const char *name, PyObject *args)
{
    PyObject *key = PyUnicode_FromString(name);
    PyObject *method = key && args ? get_attribute(self, key) : NULL;
    PyObject *result = method ? judge_call(method, args, NULL, false) : NULL;
    Py_XDECREF(key);
    Py_XDECREF(method);
    Py_XDECREF(args);
    return result;
}

static PyObject *proxy_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *entered = call_method(self, "__enter__", PyTuple_New(0));
    uint32_t own, theirs;
    /* `with Stack() as s` binds the object that the test made. */
    if (entered && judge__proxy_number(entered, &theirs) && judge__proxy_number(self, &own) &&
        own == theirs)
        Py_SETREF(entered, Py_NewRef(self));
    return entered;
}

/* What the body raised is told if it is an ordinary exception: a failed check, whose text may hold
 * expected values, is neither told nor suppressed. */
static bool may_be_told(PyObject *error)
{
    return PyExceptionInstance_Check(error) && PyObject_IsInstance(error, PyExc_Exception) == 1 &&
           PyObject_IsInstance(error, PyExc_AssertionError) == 0;
}

static PyObject *exit_args(PyObject *args, bool *ret_told)
{
    PyObject *error = PyTuple_GET_SIZE(args) == 3 ? PyTuple_GET_ITEM(args, 1) : Py_None;
    *ret_told = may_be_told(error);
    if (*ret_told)
        return PyTuple_Pack(3, Py_TYPE(error), error, Py_None);
    return PyTuple_Pack(3, Py_None, Py_None, Py_None);
}

static PyObject *proxy_exit(PyObject *self, PyObject *args)
{
    bool told;
    PyObject *told_args = exit_args(args, &told);
    PyObject *answer = call_method(self, "__exit__", told_args);
    if (answer && !told)
        Py_SETREF(answer, Py_NewRef(Py_False));
    return answer;
}

static PyObject *proxy_aenter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return call_method(self, "__aenter__", PyTuple_New(0));
}

static PyObject *proxy_aexit(PyObject *self, PyObject *args)
{
    bool told;
    PyObject *told_args = exit_args(args, &told);
    return call_method(self, "__aexit__", told_args);
}

static PyObject *proxy_aiter(PyObject *self)
{
    return judge__operate(GUEST_OP_AITER, GUEST_WANT_AWAITABLE, PyTuple_Pack(1, self));
}

static PyObject *proxy_anext(PyObject *self)
{
    return judge__operate(GUEST_OP_ANEXT, GUEST_WANT_AWAITABLE, PyTuple_Pack(1, self));
}

/* The methods of a coroutine: a task of the test's own event loop drives it, and its first step is
 * the last. */
static PyObject *awaitable_send(PyObject *self, PyObject *value)
{
    return value == Py_None ? proxy_next(self) : call_method(self, "send", PyTuple_Pack(1, value));
}

static PyObject *awaitable_throw(PyObject *self, PyObject *args)
{
    return call_method(self, "throw", Py_NewRef(args));
}

static PyObject *awaitable_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    return call_method(self, "close", PyTuple_New(0));
}

/* ---- the types ------------------------------------------------------------------------------- */

static PyMethodDef proxy_methods[] = {
    {"__enter__", proxy_enter, METH_NOARGS, NULL},
    {"__exit__", proxy_exit, METH_VARARGS, NULL},
    {"__aenter__", proxy_aenter, METH_NOARGS, NULL},
    {"__aexit__", proxy_aexit, METH_VARARGS, NULL},
    {"__format__", proxy_format, METH_O, NULL},
    {"__instancecheck__", instance_check, METH_O, NULL},
    {"__subclasscheck__", subclass_check, METH_O, NULL},
    {0},
};

static PyMethodDef awaitable_methods[] = {
    {"send", awaitable_send, METH_O, NULL},
    {"throw", awaitable_throw, METH_VARARGS, NULL},
    {"close", awaitable_close, METH_NOARGS, NULL},
    {0},
};

static PyGetSetDef proxy_attributes[] = {{"__class__", proxy_class, NULL, NULL, NULL}, {0}};

static PyType_Slot proxy_slots[] = {
    {Py_tp_dealloc, proxy_dealloc},   {Py_tp_call, proxy_call},
    {Py_tp_getattro, proxy_getattr},  {Py_tp_setattro, proxy_setattr},
    {Py_tp_iter, proxy_iter},         {Py_tp_iternext, proxy_next},
    {Py_tp_str, proxy_str},           {Py_tp_repr, proxy_repr},
    {Py_tp_hash, proxy_hash},         {Py_tp_richcompare, proxy_compare},
    {Py_tp_methods, proxy_methods},   {Py_tp_getset, proxy_attributes},
    {Py_mp_subscript, proxy_getitem}, {Py_mp_ass_subscript, proxy_setitem},
    {Py_sq_contains, proxy_contains}, {Py_am_aiter, proxy_aiter},
    {Py_am_anext, proxy_anext},       {0, NULL},
};

static PyType_Slot awaitable_slots[] = {
    {Py_am_await, PyObject_SelfIter},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_methods, awaitable_methods},
    {0, NULL},
};

static PyType_Spec awaitable_spec = {
    .name = "judge.Awaitable",
    .basicsize = sizeof(struct proxy),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = awaitable_slots,
};

/* Both tables of slots as one type. */
static PyTypeObject *make_proxy_type(void)
{
    PyType_Slot slots[128];
    size_t n = 0;
    for (const PyType_Slot *s = proxy_slots; s->slot; s++)
        slots[n++] = *s;
    for (const PyType_Slot *s = judge__operator_slots; s->slot; s++)
        slots[n++] = *s;
    CHECK(n < COUNT_OF(slots));
    slots[n] = (PyType_Slot){0, NULL};
    PyType_Spec spec = {
        .name = "judge.Handle",
        .basicsize = sizeof(struct proxy),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_BASETYPE,
        .slots = slots,
    };
    return (PyTypeObject *)PyType_FromSpec(&spec);
}

int judge_proxy_init(void)
{
    proxy_type = make_proxy_type();
    if (!proxy_type)
        return -1;
    for (PyMethodDef *m = judge__operator_methods; m->ml_name; m++) {
        PyObject *method = PyDescr_NewMethod(proxy_type, m);
        int rc = method ? PyDict_SetItemString(proxy_type->tp_dict, m->ml_name, method) : -1;
        Py_XDECREF(method);
        if (rc < 0)
            return -1;
    }
    PyType_Modified(proxy_type);
    awaitable_type =
        (PyTypeObject *)PyType_FromSpecWithBases(&awaitable_spec, (PyObject *)proxy_type);
    return awaitable_type && judge__session_init() == 0 ? judge__lend_init() : -1;
}
