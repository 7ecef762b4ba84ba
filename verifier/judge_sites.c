/* judge_sites.c: asserts as they run. Rewritten test code (judge_prepare.c) calls these four
 * functions; a site has passed when it was executed at least once and never failed. */
#include "verifier/judge.h"
#include "verifier/judge_job.h"
#include "verifier/judge_prepare.h"
#include "verifier/judge_text.h"
#include "verifier/judge_watch.h"

enum site_state { SITE_UNSEEN, SITE_PASSED, SITE_FAILED };

static struct {
    struct judge_job *job; /* NULL while no test source runs */
    uint8_t *states;
    json_t *latest; /* the failure that a message may be added to; borrowed */
} sites;

static json_t *call_text(int number)
{
    PyObject *text = judge_prepare_shown(PyList_GET_ITEM(sites.job->suite->site_texts, number));
    const char *utf8 = PyUnicode_AsUTF8(text);
    PyErr_Clear();
    json_t *made = judge_json_text(str_of(utf8 ? utf8 : ""), JUDGE_TEXT_BYTES_MAX);
    Py_DECREF(text);
    return made;
}

/* A site's failure is recorded at once, for the report; whether it passed is counted at the end. */
static void fail_site(int number, enum reason reason, PyObject *got, PyObject *expected,
                      const char *message)
{
    struct judge_job *job = sites.job;
    sites.latest = NULL;
    if (sites.states[number] == SITE_FAILED)
        return;
    sites.states[number] = SITE_FAILED;
    size_t before = json_array_size(job->failures);
    json_t *call = before < JUDGE_FAILURES_MAX ? call_text(number) : NULL;
    int tests = job->tests;
    job->tests += number;
    judge_fail(job, reason, call, got, expected, message);
    job->tests = tests;
    if (json_array_size(job->failures) > before)
        sites.latest = json_array_get(job->failures, before);
}

static bool site_number(PyObject *object, int *ret)
{
    long n = PyLong_Check(object) ? PyLong_AsLong(object) : -1;
    if (!sites.job || n < 0 || n >= sites.job->suite->n_sites) {
        PyErr_SetString(PyExc_RuntimeError, "a test site outside its test");
        return false;
    }
    *ret = (int)n;
    return true;
}

static PyObject *decide(int number, int yes, PyObject *got, PyObject *expected)
{
    if (yes < 0)
        return NULL;
    if (!yes)
        fail_site(number, REASON_WRONG_ANSWER, got, expected, NULL);
    else if (sites.states[number] == SITE_UNSEEN)
        sites.states[number] = SITE_PASSED;
    return PyBool_FromLong(yes);
}

static PyObject *site_check(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    int number;
    (void)self;
    if (n != 2 || !site_number(args[0], &number))
        return NULL;
    return decide(number, PyObject_IsTrue(args[1]), NULL, NULL);
}

static PyObject *site_equal(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    int number;
    (void)self;
    if (n != 4 || !site_number(args[0], &number))
        return NULL;
    PyObject *answer = PyObject_RichCompare(args[1], args[2], Py_EQ);
    int yes = answer ? PyObject_IsTrue(answer) : -1;
    Py_XDECREF(answer);
    bool swap = args[3] == Py_True;
    return decide(number, yes, args[swap ? 2 : 1], args[swap ? 1 : 2]);
}

/* Runs inside `except:`; the exception at hand is the one being handled. */
static PyObject *site_caught(PyObject *self, PyObject *object)
{
    int number;
    PyObject *type, *value, *trace;
    struct buf text = {0};
    (void)self;
    PyErr_GetExcInfo(&type, &value, &trace);
    if (!site_number(object, &number)) {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(trace);
        return NULL;
    }
    PyErr_Restore(type, value, trace);
    enum reason reason = judge_reason_of_error(&sites.job->guest);
    bool stop = PyErr_ExceptionMatches(judge_stop);
    judge_describe_error(sites.job, &text);
    PyErr_Clear();
    fail_site(number, reason, NULL, NULL, text.s);
    buf_free(&text);
    if (stop)
        PyErr_SetNone(judge_stop);
    return stop ? NULL : Py_NewRef(Py_None);
}

static PyObject *site_note(PyObject *self, PyObject *message)
{
    (void)self;
    if (sites.latest) {
        PyObject *text = PyObject_Str(message);
        Py_ssize_t n = 0;
        const char *s = text ? PyUnicode_AsUTF8AndSize(text, &n) : NULL;
        if (s)
            json_object_set_new(sites.latest, "message",
                                judge_json_text(str_make(s, (size_t)n), JUDGE_TEXT_BYTES_MAX));
        PyErr_Clear();
        Py_XDECREF(text);
        sites.latest = NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef site_functions[] = {
    {"__assay_check__", (PyCFunction)(void (*)(void))site_check, METH_FASTCALL, NULL},
    {"__assay_equal__", (PyCFunction)(void (*)(void))site_equal, METH_FASTCALL, NULL},
    {"__assay_caught__", site_caught, METH_O, NULL},
    {"__assay_note__", site_note, METH_O, NULL},
};

int judge_sites_init(PyObject *builtins)
{
    for (size_t i = 0; i < COUNT_OF(site_functions); i++) {
        PyObject *f = PyCFunction_New(&site_functions[i], NULL);
        int rc = f ? PyDict_SetItemString(builtins, site_functions[i].ml_name, f) : -1;
        Py_XDECREF(f);
        if (rc < 0)
            return -1;
    }
    return 0;
}

void judge_sites_begin(struct judge_job *job)
{
    sites.job = job;
    sites.latest = NULL;
    sites.states = xcalloc((size_t)job->suite->n_sites, 1);
}

/* `assert False` stands where nobody should come. */
static bool is_barrier(PyObject *text)
{
    return PyUnicode_CompareWithASCIIString(text, "False") == 0 ||
           PyUnicode_CompareWithASCIIString(text, "0") == 0;
}

/* Whether any assert that checks something was reached, or the source has other ways to check. */
static bool checked_anything(const struct judge_suite *s)
{
    bool any = false;
    if (s->checks_by_calls)
        return true;
    for (int i = 0; i < s->n_sites; i++) {
        if (is_barrier(PyList_GET_ITEM(s->site_texts, i)))
            continue;
        if (sites.states[i] != SITE_UNSEEN)
            return true;
        any = true;
    }
    return !any;
}

/* Counts. Where the source ended normally, a site that was not reached had nothing to say and
 * has passed; unless all were, as in a loop over an answer that was empty. */
void judge_sites_end(bool completed)
{
    struct judge_job *job = sites.job;
    completed = completed && checked_anything(job->suite);
    for (int i = 0; i < job->suite->n_sites; i++)
        job->passed +=
            sites.states[i] == SITE_PASSED || (completed && sites.states[i] == SITE_UNSEEN);
    job->tests += job->suite->n_sites;
    free(sites.states);
    sites.states = NULL;
    sites.job = NULL;
}
