/* judge_framework.c: a module of test functions and classes, each of which is one test.
 *
 * What is counted is read off the source when the suite comes in (test functions, test methods),
 * so no program has a say in it. A test passes when it returns and the program is still alive
 * then: test code may catch whatever it likes. What such modules cannot do here (a missing
 * package, a fixture or a patch that does not reach into the program's process) makes the suite
 * broken, with the reason, rather than every program wrong. The Python of it, pytest's API
 * included, is judge_framework*.py. */
#include "verifier/judge_framework.h"

#include "verifier/judge.h"
#include "verifier/judge_embed.h"
#include "verifier/judge_proxy.h"
#include "verifier/judge_text.h"
#include "verifier/judge_watch.h"

EMBED_TEXT(judge__prepare_tests_text, "verifier/judge_framework.py");
EMBED_TEXTS(judge__run_tests_text, EMBED_FILE("verifier/judge_framework_guest.py")
                                       EMBED_FILE("verifier/judge_framework_pytest.py")
                                           EMBED_FILE("verifier/judge_framework_run.py"));

static PyObject *own; /* the module's globals */
static bool ready;    /* all of it is there */

static PyObject *guest_global(PyObject *self, PyObject *name)
{
    const char *text = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    bool missing = true;
    (void)self;
    if (!text || !judge_session_live())
        return PyErr_Format(PyExc_NameError, "no program is running");
    PyObject *value = judge_global(text, &missing);
    if (!missing)
        return value;
    Py_XDECREF(value);
    return PyErr_Format(PyExc_NameError, "the program does not define %U", name);
}

static PyObject *is_theirs(PyObject *self, PyObject *object)
{
    (void)self;
    return PyBool_FromLong(judge_is_handle(object));
}

int judge_framework_init(void)
{
    static PyMethodDef methods[] = {{"guest_global", guest_global, METH_O, NULL},
                                    {"is_theirs", is_theirs, METH_O, NULL}};
    int rc = 0;
    own = judge_embedded(judge__prepare_tests_text, "<framework>");
    for (size_t i = 0; i < COUNT_OF(methods) && rc == 0; i++) {
        PyObject *function = own ? PyCFunction_New(&methods[i], NULL) : NULL;
        rc = function ? PyDict_SetItemString(own, methods[i].ml_name, function) : -1;
        Py_XDECREF(function);
    }
    return rc;
}

static PyObject *ours(const char *name)
{
    return PyDict_GetItemString(own, name);
}

/* unittest and mock are slow to import, and most suites do without. */
static int load_all(void)
{
    if (ready)
        return 0;
    PyObject *code = Py_CompileString(judge__run_tests_text, "<framework>", Py_file_input);
    PyObject *done = code ? PyEval_EvalCode(code, own, own) : NULL;
    ready = done && PyDict_SetItemString(own, "Stop", judge_stop) == 0;
    Py_XDECREF(code);
    Py_XDECREF(done);
    return ready ? 0 : -1;
}

static PyObject *modules_of(const struct judge_suite *s)
{
    const json_t *modules = json_object_get(s->json, "modules");
    return modules ? judge_from_json(modules) : PyList_New(0);
}

int judge_framework_read(struct judge_suite *s, const char *source)
{
    PyObject *modules = modules_of(s), *made = NULL;
    if (modules && load_all() == 0)
        made = PyObject_CallFunction(ours("prepare"), "sO", source, modules);
    Py_XDECREF(modules);
    if (!made)
        return -1;
    s->tests_code = Py_NewRef(PyTuple_GET_ITEM(made, 0));
    s->site_texts = Py_NewRef(PyTuple_GET_ITEM(made, 1));
    s->n_sites = (int)PyList_GET_SIZE(s->site_texts);
    Py_DECREF(made);
    return 0;
}

int judge_framework_imports(const char *source)
{
    if (strstr(source, "pytest") && load_all() < 0) /* its API may be of use to asserts as well */
        return -1;
    PyObject *done = PyObject_CallFunction(ours("importable"), "s", source);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* The pending error is a test's failure; where both sides of a comparison are known they are
 * shown. */
static void fail_test(struct judge_job *job, json_t *call)
{
    PyObject *type, *value, *trace, *wrong = ours("Wrong");
    if (!PyErr_ExceptionMatches(wrong)) {
        judge_fail_by_error(job, call);
        return;
    }
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    PyObject *got = PyObject_GetAttrString(value, "got"),
             *expected = PyObject_GetAttrString(value, "expected"), *text = PyObject_Str(value);
    const char *message = text ? PyUnicode_AsUTF8(text) : NULL;
    PyErr_Clear();
    judge_fail(job, REASON_WRONG_ANSWER, call, got, expected, message);
    Py_XDECREF(got);
    Py_XDECREF(expected);
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
}

static void run_test(struct judge_job *job, int number)
{
    PyObject *name = PyList_GET_ITEM(job->suite->site_texts, number);
    json_t *call = judge_json_text(str_of(PyUnicode_AsUTF8(name)), JUDGE_TEXT_BYTES_MAX);
    PyObject *done = PyObject_CallOneArg(ours("run"), name);
    if (!done) {
        fail_test(job, call);
    } else if (job->guest.over) {
        judge_fail(job, job->guest.reason, call, NULL, NULL, job->guest.why);
    } else {
        json_decref(call);
        judge_pass(job);
    }
    Py_XDECREF(done);
}

int judge_framework_run(struct judge_job *job, PyObject *globals, bool trying, struct err *err)
{
    struct judge_suite *s = job->suite;
    PyObject *modules = modules_of(s), *done = NULL, *cannot;
    int rc = 0;
    if (modules)
        done = PyObject_CallFunction(ours("begin"), "OOO", globals, modules,
                                     trying ? Py_True : Py_False);
    Py_XDECREF(modules);
    if (done)
        Py_SETREF(done, PyEval_EvalCode(s->tests_code, globals, globals));
    if (done)
        Py_SETREF(done, PyObject_CallOneArg(ours("use_their_files"), globals));
    if (!done)
        judge_fail_by_error(job, NULL);
    for (int i = 0; done && i < s->n_sites && !job->guest.over && !judge_watch_expired(); i++)
        run_test(job, i);
    Py_XDECREF(done);
    PyErr_Clear();
    /* An expired window interrupts again and again; what is left undone here would meet the next
     * program. */
    while (!(cannot = PyObject_CallNoArgs(ours("end"))) && PyErr_ExceptionMatches(judge_stop))
        PyErr_Clear();
    if (cannot && PyUnicode_Check(cannot))
        rc = err_set(err, -EINVAL, "tests: %s", PyUnicode_AsUTF8(cannot));
    Py_XDECREF(cannot);
    PyErr_Clear();
    return rc;
}
