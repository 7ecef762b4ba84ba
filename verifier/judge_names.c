/* judge_names.c: where test code finds its names.
 *
 * Its globals hold the starter's helpers, executed here, so that a program cannot replace what
 * the expected values are computed with. Behind them lie the builtins, in a dict whose
 * __missing__ asks the guest: what neither the test, the starter nor Python defines is the
 * program's. (CPython looks a global up in a builtins object that is no exact dict through its
 * mapping protocol, in functions, classes and module code alike.) */
#include "verifier/judge_job.h"
#include "verifier/judge_mirror.h"
#include "verifier/judge_proxy.h"

static PyObject *names_type, *builtins;
static const struct judge_suite *naming; /* whose names are looked up */

/* Whether the problem's own text uses the name as a class. */
static bool names_class(const struct judge_suite *s, PyObject *name)
{
    if (s->is_class && PyUnicode_CompareWithASCIIString(name, s->entry_point) == 0)
        return true;
    return s->classes && PySet_Contains(s->classes, name) == 1;
}

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
    if (value && names_class(naming, name))
        judge_vouch(value);
    /* Functions and classes keep their number; plain values may change and are asked for again. */
    if (value && (judge_is_handle(value) || PyExceptionClass_Check(value)) &&
        PyDict_SetItem(self, name, value) < 0)
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

/* "Solution" of the entry point "Solution.f", or the entry point itself. */
static bool names_entry(const struct judge_suite *s, PyObject *name)
{
    Py_ssize_t n;
    const char *text = PyUnicode_AsUTF8AndSize(name, &n);
    return s->entry_point && text && strcspn(s->entry_point, ".(") == (size_t)n &&
           memcmp(text, s->entry_point, (size_t)n) == 0;
}

/* Binds those of `names` that the program has to the program's objects. Exceptions are only
 * names to catch and stay ours. A class of the starter keeps ours beside it, to compare by, unless
 * it is the one to be written. */
static int use_theirs(const struct judge_suite *s, PyObject *globals, PyObject *names)
{
    for (Py_ssize_t i = 0; names && i < PyList_GET_SIZE(names); i++) {
        PyObject *name = PyList_GET_ITEM(names, i), *mine = PyDict_GetItem(globals, name);
        bool missing = false;
        if (mine && PyExceptionClass_Check(mine))
            continue;
        PyObject *theirs = judge_global(PyUnicode_AsUTF8(name), &missing);
        int rc = !theirs ? -1 : missing ? 0 : PyDict_SetItem(globals, name, theirs);
        if (theirs && names_class(s, name))
            judge_vouch(theirs);
        if (theirs && mine && PyType_Check(mine) && !names_entry(s, name))
            judge_stand_in(theirs, mine);
        Py_XDECREF(theirs);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* Where the starter's objects are not mirrored, a class of the starter is the program's class in
 * test code: `TreeNode(1)` makes the node where it will be used. */
PyObject *judge_globals(struct judge_job *job)
{
    struct judge_suite *s = job->suite;
    PyObject *globals = fresh_globals(), *done = NULL;
    naming = s;
    if (globals && s->starter_code && !(done = PyEval_EvalCode(s->starter_code, globals, globals)))
        Py_CLEAR(globals);
    Py_XDECREF(done);
    PyObject *theirs = judge_mirrors(s) ? NULL : s->starter_classes;
    if (globals && (use_theirs(s, globals, theirs) < 0 || use_theirs(s, globals, s->shadows) < 0))
        Py_CLEAR(globals);
    return globals;
}

/* The method of a fresh object of the program's class. NULL without an error: there is no such
 * class, or it has no such method. */
static PyObject *fresh_method(const char *class_name, const char *method)
{
    bool missing = false;
    PyObject *found = judge_global(class_name, &missing), *none = PyTuple_New(0);
    if (missing)
        Py_CLEAR(found);
    if (found && none) {
        Py_SETREF(found, judge_call(found, none, NULL, true));
        if (found)
            Py_SETREF(found, PyObject_GetAttrString(found, method));
        if (!found && PyErr_ExceptionMatches(PyExc_AttributeError))
            PyErr_Clear();
    }
    Py_XDECREF(none);
    return found;
}

/* "f", or "Solution.f" for a method of a fresh object. With the suite's entry_class "f" may be a
 * method of that class, or else a function. */
PyObject *judge_entry(struct judge_job *job)
{
    const char *name = job->suite->entry_point, *either = job->suite->entry_class;
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
    if (dot)
        return fresh_method(head, dot + 1);
    PyObject *found = either ? fresh_method(either, name) : NULL;
    if (found || PyErr_Occurred())
        return found;
    found = judge_global(head, &missing);
    if (missing)
        Py_CLEAR(found);
    PyObject *key = found ? PyUnicode_FromString(name) : NULL;
    if (key && names_class(job->suite, key))
        judge_vouch(found);
    Py_XDECREF(key);
    return found;
}

int judge_bind_entry(struct judge_job *job, PyObject *globals, PyObject *entry)
{
    const char *name = job->suite->entry_point;
    PyObject *candidate = judge_mirror(job, globals, entry);
    int rc = candidate ? PyDict_SetItemString(globals, "candidate", candidate) : -1;
    if (rc == 0 && name && !strpbrk(name, ".("))
        rc = PyDict_SetItemString(globals, name, candidate);
    Py_XDECREF(candidate);
    return rc;
}
