/* judge_names.c: where test code finds its names.
 *
 * Its globals hold the starter's helpers, executed here, so that a program cannot replace what
 * the expected values are computed with. Behind them lie the builtins, in a dict whose
 * __missing__ asks the guest: what neither the test, the starter nor Python defines is the
 * program's. (CPython looks a global up in a builtins object that is no exact dict through its
 * mapping protocol, in functions, classes and module code alike.) */
#include "verifier/judge_job.h"
#include "verifier/judge_proxy.h"

static PyObject *names_type, *builtins;

static PyObject *names_missing(PyObject *self, PyObject *name)
{
    bool missing = true;
    const char *text = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    PyObject *value = NULL;
    PyErr_Clear();
    if (text && judge_session_live() && !(text[0] == '_' && text[1] == '_'))
        value = judge_global(text, &missing);
    if (missing) {
        Py_XDECREF(value);
        PyErr_SetObject(PyExc_KeyError, name);
        return NULL;
    }
    /* Functions and classes keep their number; plain values may change and are asked for again. */
    if (value && judge_is_handle(value) && PyDict_SetItem(self, name, value) < 0)
        Py_CLEAR(value);
    return value;
}

static PyMethodDef names_methods[] = {{"__missing__", names_missing, METH_O, NULL}, {0}};
static PyType_Slot names_slots[] = {{Py_tp_methods, names_methods}, {0, NULL}};
static PyType_Spec names_spec = {
    .name = "judge.Names", .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, .slots = names_slots};

int judge_names_init(void)
{
    PyObject *bases = PyTuple_Pack(1, &PyDict_Type);
    builtins = PyDict_Copy(PyEval_GetBuiltins());
    names_type = bases ? PyType_FromSpecWithBases(&names_spec, bases) : NULL;
    Py_XDECREF(bases);
    return builtins && names_type ? judge_sites_init(builtins) : -1;
}

static PyObject *fresh_globals(void)
{
    PyObject *globals = PyDict_New(), *names = PyObject_CallNoArgs(names_type);
    PyObject *name = PyUnicode_InternFromString("tests");
    if (!globals || !names || !name || PyDict_Update(names, builtins) < 0 ||
        PyDict_SetItemString(globals, "__builtins__", names) < 0 ||
        PyDict_SetItemString(globals, "__name__", name) < 0)
        Py_CLEAR(globals);
    Py_XDECREF(names);
    Py_XDECREF(name);
    return globals;
}

/* Binds those of `names` that the program has to the program's objects. Exceptions are only
 * names to catch and stay ours. */
static int use_theirs(PyObject *globals, PyObject *names)
{
    for (Py_ssize_t i = 0; names && i < PyList_GET_SIZE(names); i++) {
        PyObject *name = PyList_GET_ITEM(names, i), *mine = PyDict_GetItem(globals, name);
        bool missing = false;
        if (mine && PyExceptionClass_Check(mine))
            continue;
        PyObject *theirs = judge_global(PyUnicode_AsUTF8(name), &missing);
        int rc = !theirs ? -1 : missing ? 0 : PyDict_SetItem(globals, name, theirs);
        Py_XDECREF(theirs);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* A class of the starter is the program's class in test code, as its objects cannot cross:
 * `TreeNode(1)` makes the node where it will be used. */
PyObject *judge_globals(struct judge_job *job)
{
    struct judge_suite *s = job->suite;
    PyObject *globals = fresh_globals(), *done = NULL;
    if (globals && s->starter_code && !(done = PyEval_EvalCode(s->starter_code, globals, globals)))
        Py_CLEAR(globals);
    Py_XDECREF(done);
    if (globals &&
        (use_theirs(globals, s->starter_classes) < 0 || use_theirs(globals, s->shadows) < 0))
        Py_CLEAR(globals);
    return globals;
}

/* "f", or "Solution.f" for a method of a fresh object. */
PyObject *judge_entry(struct judge_job *job)
{
    const char *name = job->suite->entry_point;
    bool missing = false;
    char head[128];
    if (!name)
        return Py_NewRef(Py_None);
    size_t n = strcspn(name, ".(");
    if (n >= sizeof head)
        return NULL;
    memcpy(head, name, n);
    head[n] = 0;
    const char *dot = strchr(name + n, '.');
    PyObject *found = judge_global(head, &missing), *none = PyTuple_New(0);
    if (missing)
        Py_CLEAR(found);
    if (found && none && dot) {
        Py_SETREF(found, judge_call(found, none, NULL, true));
        if (found)
            Py_SETREF(found, PyObject_GetAttrString(found, dot + 1));
        if (!found && PyErr_ExceptionMatches(PyExc_AttributeError))
            PyErr_Clear();
    }
    Py_XDECREF(none);
    return found;
}

int judge_bind_entry(struct judge_job *job, PyObject *globals, PyObject *entry)
{
    const char *name = job->suite->entry_point;
    if (name && !strpbrk(name, ".(") && PyDict_SetItemString(globals, name, entry) < 0)
        return -1;
    return PyDict_SetItemString(globals, "candidate", entry);
}
