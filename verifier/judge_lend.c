/* judge_lend.c: what has no value, in both directions.
 *
 * Ours: a callable, an iterator or an exception of the test gets a number when it is first sent; the
 * program calls it or takes the next item by that number, and it comes home as itself. A Python
 * function is described (name, text, parameters), so that the program can wrap it, bind it or
 * look at its signature; defaults go along where they are plain. Nothing else of ours is lent:
 * attributes of a test's object could lead to the test's globals.
 *
 * Theirs: a handle becomes a proxy. An exception class becomes a class here, one for each of
 * theirs, below the same builtin base: the test's `except` needs a class. Making an object of it
 * makes one over there; attributes that are not here are asked for. */
#define PY_SSIZE_T_CLEAN
#include "verifier/judge_session.h"

#include "base/clock.h"

enum {
    LENT_MAX = 100000,
    SMALL_CHARS = 256,
    SMALL_ITEMS = 8,
    BATCH_MAX = 1024,
    BATCH_NS = 1000000,
    CALL_REFERENCES =
        4, /* to a temporary argument while its call is served: stack, tuple, ours, serve's */
};

static struct {
    PyObject *globals;    /* of the test; borrowed */
    PyObject *objects;    /* list: what was lent, by number */
    PyObject *numbers;    /* dict: address -> number */
    PyObject *exceptions; /* dict: number of their class -> class made here */
    PyObject *describe, *raised, *run, *library;
    PyObject *kept; /* dict: address of an iterator -> exception to come */
    bool met_foreign;
} lend;

static const char helper_source[] =
    "import sys\n"
    "PLAIN = (int, float, complex, str, bytes, bool, type(None))\n"
    "\n"
    "def plain(value):\n"
    "    return type(value) in PLAIN or type(value) is tuple and all(map(plain, value))\n"
    "\n"
    "def describe(function):\n"
    "    code, names = function.__code__, function.__code__.co_varnames\n"
    "    count, last = code.co_argcount, code.co_argcount + code.co_kwonlyargcount\n"
    "    named, defaults = function.__kwdefaults__ or {}, list(function.__defaults__ or ())\n"
    "    first = count - len(defaults)\n"
    "    if not all(map(plain, [*defaults, *named.values()])) or code.co_flags & 0x200:\n"
    "        return None\n"
    "    parameters, call = [], []\n"
    "    for i, name in enumerate(names[:count]):\n"
    "        parameters.append(name if i < first else f'{name}=_default_[{i - first}]')\n"
    "        call.append(name)\n"
    "        if i + 1 == code.co_posonlyargcount:\n"
    "            parameters.append('/')\n"
    "    at = last\n"
    "    if code.co_flags & 4:\n"
    "        parameters.append('*' + names[at])\n"
    "        call.append('*' + names[at])\n"
    "        at += 1\n"
    "    elif last > count:\n"
    "        parameters.append('*')\n"
    "    for name in names[count:last]:\n"
    "        if name in named:\n"
    "            parameters.append(f'{name}=_default_[{len(defaults)}]')\n"
    "            defaults.append(named[name])\n"
    "        else:\n"
    "            parameters.append(name)\n"
    "        call.append(f'{name}={name}')\n"
    "    if code.co_flags & 8:\n"
    "        parameters.append('**' + names[at])\n"
    "        call.append('**' + names[at])\n"
    "    doc = function.__doc__ if type(function.__doc__) is str else None\n"
    "    head = 'async def' if code.co_flags & 0x80 else 'def'\n"
    "    return (function.__name__, doc, head, ', '.join(parameters), ', '.join(call),\n"
    "            tuple(defaults))\n"
    "\n"
    "class Raised:\n"
    "    def __init__(self, *args, **kwargs):\n"
    "        made = type(self)." VALUE_OTHER_SELF "(*args, **kwargs)\n"
    "        if isinstance(made, Raised):\n"
    "            self.__dict__.update(made.__dict__)\n"
    "            self.args = made.args\n"
    "    def __getattr__(self, name):\n"
    "        theirs = self.__dict__.get('" VALUE_OTHER_SELF "')\n"
    "        if theirs is None:\n"
    "            raise AttributeError(name)\n"
    "        return getattr(theirs, name)\n"
    "    def __str__(self):\n"
    "        text = self.__dict__.get('" VALUE_MESSAGE "')\n"
    "        return super().__str__() if text is None else text\n"
    "\n"
    "def raised(theirs, module, name, bases):\n"
    "    if not any(issubclass(base, Raised) for base in bases):\n"
    "        bases = (Raised, *bases)\n"
    "    return type(name, bases, {'" VALUE_OTHER_SELF "': theirs, '__module__': 'solution'})\n"
    "\n"
    "# No test framework's: a program may not skip a test by raising what would.\n"
    "def library(module, name):\n"
    "    top = module.split('.')[0] if type(module) is str else ''\n"
    "    known = top in sys.stdlib_module_names or hasattr(sys.modules.get(top), '__file__')\n"
    "    if not known or top in ('unittest', 'builtins', 'pytest', '_pytest'):\n"
    "        return None\n"
    "    return getattr(sys.modules.get(module), name, None)\n"
    "\n"
    "def run(coroutine):\n"
    "    from asyncio import events\n"
    "    outer = events._get_running_loop()\n"
    "    events._set_running_loop(None)\n"
    "    inner = events.new_event_loop()\n"
    "    try:\n"
    "        return inner.run_until_complete(coroutine)\n"
    "    finally:\n"
    "        inner.close()\n"
    "        events._set_running_loop(outer)\n";

/* ---- ours ------------------------------------------------------------------------------------ */

/* What the guest is told of an object that it sees for the first time. New reference. */
static PyObject *description(PyObject *object, uint8_t *ret_flags)
{
    PyObject *about = NULL;
    if (PyFunction_Check(object)) {
        about = PyObject_CallOneArg(lend.describe, object);
        if (about && about != Py_None)
            *ret_flags |= LENT_FUNCTION;
    } else if (!PyIter_Check(object) && !PyExceptionInstance_Check(object)) {
        about = PyObject_GetAttrString(object, "__name__");
        if (about && !PyUnicode_CheckExact(about))
            Py_CLEAR(about);
    }
    PyErr_Clear();
    return about ? about : Py_NewRef(Py_None);
}

/* -EINVAL: too many, or not what is lent. */
static int lend_object(PyObject *object, struct value_writer *w)
{
    PyObject *key = PyLong_FromVoidPtr(object);
    PyObject *known = key ? PyDict_GetItemWithError(lend.numbers, key) : NULL;
    uint8_t flags = !PyCallable_Check(object) && PyIter_Check(object) ? LENT_ITERATOR : 0;
    if (known) {
        Py_DECREF(key);
        return value_put_foreign(w, VALUE_CALLABLE, (uint32_t)PyLong_AsUnsignedLong(known), flags,
                                 NULL);
    }
    Py_ssize_t n = PyList_GET_SIZE(lend.objects);
    PyObject *number = PyLong_FromSsize_t(n);
    bool listed = key && number && n < LENT_MAX && PyList_Append(lend.objects, object) == 0 &&
                  PyDict_SetItem(lend.numbers, key, number) == 0;
    Py_XDECREF(key);
    Py_XDECREF(number);
    if (!listed) {
        PyErr_Clear();
        return -EINVAL;
    }
    PyObject *about = description(object, &flags);
    int rc = value_put_foreign(w, VALUE_CALLABLE, (uint32_t)n, flags, about);
    Py_DECREF(about);
    return rc;
}

static int encode_object(void *ctx, PyObject *object, struct value_writer *w)
{
    uint32_t number;
    (void)ctx;
    if (judge__proxy_number(object, &number))
        return value_put_foreign(w, VALUE_HANDLE, number, 0, NULL);
    bool ours =
        PyCallable_Check(object) || PyIter_Check(object) || PyExceptionInstance_Check(object);
    return ours && !judge_is_handle(object) ? lend_object(object, w) : -EINVAL;
}

PyObject *judge__lent(uint32_t number)
{
    return number < (size_t)PyList_GET_SIZE(lend.objects) ? PyList_GET_ITEM(lend.objects, number)
                                                          : NULL;
}

PyObject *judge__run_coroutine(PyObject *coroutine)
{
    return PyObject_CallOneArg(lend.run, coroutine);
}

/* ---- iterators ------------------------------------------------------------------------------- */

/* What a batch may hold: nothing that a later item could still change, nothing large. */
static bool is_small(PyObject *o, int depth)
{
    if (PyUnicode_CheckExact(o))
        return PyUnicode_GET_LENGTH(o) < SMALL_CHARS;
    if (PyLong_CheckExact(o))
        return _PyLong_NumBits(o) < SMALL_CHARS;
    bool small = PyTuple_CheckExact(o) && PyTuple_GET_SIZE(o) < SMALL_ITEMS && depth == 0;
    for (Py_ssize_t i = 0; small && i < PyTuple_GET_SIZE(o); i++)
        small = is_small(PyTuple_GET_ITEM(o, i), 1);
    return small || o == Py_None || PyBool_Check(o) || PyFloat_CheckExact(o);
}

/* What an iterator raised after items of the same batch is raised when the next one is wanted. */
static bool raise_kept(PyObject *key)
{
    PyObject *error = PyDict_GetItemWithError(lend.kept, key);
    if (!error)
        return false;
    Py_INCREF(error);
    PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_DECREF(error);
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    if (PyDict_DelItem(lend.kept, key) < 0)
        PyErr_Clear();
    PyErr_Restore(type, value, trace);
    return true;
}

static int keep_error(PyObject *key)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    int rc = value ? PyDict_SetItem(lend.kept, key, value) : 0;
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return rc;
}

/* A batch runs ahead of the program. Nobody can tell if nobody else has the iterator (the call's
 * arguments hold it, and we do) and it is quick. */
PyObject *judge__next_items(PyObject *iterator, PyObject *args)
{
    PyObject *key = PyLong_FromVoidPtr(iterator), *items = PyList_New(0), *item = NULL;
    long most = PyTuple_GET_SIZE(args) == 1 ? PyLong_AsLong(PyTuple_GET_ITEM(args, 0)) : 1;
    bool ours = Py_REFCNT(iterator) <= CALL_REFERENCES && most <= BATCH_MAX;
    int64_t until = wall_ns() + BATCH_NS;
    PyErr_Clear();
    if (!key || !items || !PyIter_Check(iterator) || raise_kept(key))
        goto fail;
    do {
        item = Py_TYPE(iterator)->tp_iternext(iterator);
        int rc = item ? PyList_Append(items, item) : 0;
        Py_XDECREF(item); /* the list has it */
        if (rc < 0)
            goto fail;
    } while (item && ours && PyList_GET_SIZE(items) < most && is_small(item, 0) &&
             wall_ns() < until);
    bool got = PyList_GET_SIZE(items) > 0;
    if (!item && !PyErr_Occurred() && !got)
        PyErr_SetNone(PyExc_StopIteration);
    if (PyErr_Occurred() && (!got || keep_error(key) < 0))
        goto fail;
    Py_DECREF(key);
    return items;
fail:
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "no iterator");
    Py_XDECREF(key);
    Py_XDECREF(items);
    return NULL;
}

/* ---- theirs ---------------------------------------------------------------------------------- */

static PyObject *decode_object(void *ctx, const struct value_foreign *what)
{
    (void)ctx;
    lend.met_foreign = true;
    if (what->tag == VALUE_HANDLE)
        return judge__proxy_new(what, judge__generation());
    PyObject *ours = judge__lent(what->number);
    if (!ours)
        PyErr_SetString(PyExc_ValueError, "no such object");
    return Py_XNewRef(ours);
}

bool judge__lend_met_foreign(bool reset)
{
    bool met = lend.met_foreign;
    if (reset)
        lend.met_foreign = false;
    return met;
}

/* The test's own class of that name (the starter's, mostly), the library's, or one made once for
 * theirs. */
static PyObject *exception_class(void *ctx, PyObject *theirs, PyObject *module, PyObject *name,
                                 PyObject *bases)
{
    uint32_t number;
    (void)ctx;
    PyObject *found = lend.globals ? PyDict_GetItemWithError(lend.globals, name) : NULL;
    if (found && PyExceptionClass_Check(found))
        return Py_NewRef(found);
    found = PyObject_CallFunctionObjArgs(lend.library, module, name, NULL);
    if (found && PyExceptionClass_Check(found))
        return found;
    PyErr_Clear();
    Py_XDECREF(found);
    if (!judge__proxy_number(theirs, &number) || PyTuple_GET_SIZE(bases) == 0)
        return NULL;
    PyObject *key = PyLong_FromUnsignedLong(number);
    PyObject *made = key ? Py_XNewRef(PyDict_GetItemWithError(lend.exceptions, key)) : NULL;
    if (key && !made) {
        made = PyObject_CallFunctionObjArgs(lend.raised, theirs, module, name, bases, NULL);
        if (!made) { /* bases that do not go together */
            PyErr_Clear();
            made = Py_NewRef(PyTuple_GET_ITEM(bases, 0));
        }
        if (PyDict_SetItem(lend.exceptions, key, made) < 0)
            Py_CLEAR(made);
    }
    Py_XDECREF(key);
    return made;
}

static PyObject *tuple_class(void *ctx, PyObject *name, PyObject *fields)
{
    (void)ctx;
    PyObject *found = lend.globals ? PyDict_GetItemWithError(lend.globals, name) : NULL;
    if (!found || Py_TYPE(found) != &PyType_Type)
        return NULL;
    PyObject *own = PyDict_GetItemString(((PyTypeObject *)found)->tp_dict, "_fields");
    bool same = own && PyTuple_CheckExact(own) && PyObject_RichCompareBool(own, fields, Py_EQ) == 1;
    return same ? Py_NewRef(found) : NULL;
}

const struct value_hook judge__hook = {
    .encode = encode_object,
    .decode = decode_object,
    .exception_class = exception_class,
    .tuple_class = tuple_class,
    .is_judge = true,
};

/* ---- the session ----------------------------------------------------------------------------- */

void judge_session_globals(PyObject *globals)
{
    lend.globals = globals;
}

void judge__lend_clear(void)
{
    lend.globals = NULL;
    if (PyList_SetSlice(lend.objects, 0, PyList_GET_SIZE(lend.objects), NULL) < 0)
        PyErr_Clear();
    PyDict_Clear(lend.numbers);
    PyDict_Clear(lend.kept);
    PyDict_Clear(lend.exceptions);
}

int judge__lend_init(void)
{
    PyObject *scope = PyDict_New(), *done = NULL;
    lend.objects = PyList_New(0);
    lend.numbers = PyDict_New();
    lend.kept = PyDict_New();
    lend.exceptions = PyDict_New();
    if (scope && PyDict_SetItemString(scope, "__builtins__", PyEval_GetBuiltins()) == 0)
        done = PyRun_String(helper_source, Py_file_input, scope, scope);
    if (!done || !lend.objects || !lend.numbers || !lend.kept || !lend.exceptions)
        return -1;
    Py_DECREF(done);
    lend.describe = PyDict_GetItemString(scope, "describe");
    lend.raised = PyDict_GetItemString(scope, "raised");
    lend.library = PyDict_GetItemString(scope, "library");
    lend.run = PyDict_GetItemString(scope, "run"); /* `scope` lives as long as the process */
    return 0;
}
