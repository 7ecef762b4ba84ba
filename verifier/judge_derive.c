/* judge_derive.c: what is learnt from the reference: where a case has no expected answer, it
 * gives it; and a test module that fails here for the judge's own lacks fails with it too.
 *
 * The reference is trusted but runs in a guest all the same: its answers then come by the same
 * way as a program's, so that what cannot cross is seen here and not held against a program.
 * That happens once, before the first program is graded, and the answers stay with the suite.
 * With a contract, asserts that the problem states about its arguments, an AssertionError says
 * that the input is none: the case is dropped. Any other exception, or an answer that is not
 * plain data, is the problem's fault. Where the problem asks for it, the limits grow with the
 * time that the reference took, for a slow machine is slow for both. */
#include "verifier/judge_derive.h"

#include "verifier/judge_embed.h"
#include "verifier/judge_framework.h"
#include "verifier/judge_proxy.h"
#include "verifier/judge_watch.h"

EMBED_TEXT(judge__derive_text, "verifier/judge_derive.py");

/* What the reference may take for all cases together. */
static const double CPU_S_MAX = 60, WALL_S_MAX = 120;

static PyObject *globals;

int judge_derive_init(void)
{
    globals = judge_embedded(judge__derive_text, "<derive>");
    return globals ? 0 : -1;
}

static PyObject *function(const char *name)
{
    return PyDict_GetItemString(globals, name);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Replaces each case's arguments. */
static int shape_cases(struct judge_suite *s, const char *source)
{
    PyObject *lists = PyList_New(s->n_cases), *made = NULL;
    for (int i = 0; lists && i < s->n_cases; i++) {
        PyObject *args = s->cases[i].args ? PySequence_List(s->cases[i].args) : PyList_New(0);
        if (args)
            PyList_SET_ITEM(lists, i, args);
        else
            Py_CLEAR(lists);
    }
    if (lists)
        made = PyObject_CallFunction(function("shaped"), "Oss", lists, source, s->entry_point);
    for (int i = 0; made && i < s->n_cases; i++)
        if (s->cases[i].args)
            Py_SETREF(s->cases[i].args, Py_NewRef(PyList_GET_ITEM(made, i)));
    int rc = made ? 0 : -1;
    Py_XDECREF(lists);
    Py_XDECREF(made);
    return rc;
}

int judge_derive_read(struct judge_suite *s)
{
    const json_t *derive = json_object_get(s->json, "derive");
    const char *like = json_string_value(json_object_get(derive, "like")),
               *contract = json_string_value(json_object_get(derive, "contract"));
    if (!s->entry_point)
        return 0;
    if (like && shape_cases(s, like) < 0)
        return -1;
    if (!s->reference || !contract)
        return 0;
    s->oracle = PyObject_CallFunction(function("with_contract"), "sss", s->reference,
                                      s->entry_point, contract);
    return s->oracle ? 0 : -1;
}

/* ---- running --------------------------------------------------------------------------------- */

/* A case that is no test after all. */
static void drop(struct judge_suite *s, struct judge_case *c)
{
    const char *name = json_string_value(json_object_get(c->json, "group"));
    json_t *total = name ? json_object_get(json_object_get(s->groups, name), "total") : NULL;
    if (total)
        json_integer_set(total, json_integer_value(total) - 1);
    if (s->points > 0)
        s->points -= judge_test_points(c->json);
    s->total--;
    c->dropped = true;
}

/* The problem's fault: the pending error, or the guest's end. */
static int fault(struct judge_job *job, const char *what, struct err *err)
{
    struct buf text = {0};
    if (PyErr_Occurred())
        judge_describe_error(job, &text);
    PyErr_Clear();
    err_set(err, -EINVAL, "%s%s%s", what, text.len ? ": " : "", text.len ? text.s : "");
    buf_free(&text);
    return -EINVAL;
}

/* An answer as a bool: itself if it is one, else whether there is any. Borrowed. */
static PyObject *found(PyObject *answer)
{
    return PyBool_Check(answer) ? answer : answer == Py_None ? Py_False : Py_True;
}

static int answer_case(struct judge_job *job, struct judge_case *c, int number, PyObject *entry,
                       struct err *err)
{
    static const struct judge_compare exact;
    char what[80];
    PyObject *answer = judge_call(entry, c->args, c->kwargs, true);
    if (!answer && job->suite->oracle && PyErr_ExceptionMatches(PyExc_AssertionError)) {
        PyErr_Clear();
        drop(job->suite, c);
        return 0;
    }
    if (answer && job->suite->found)
        Py_SETREF(answer, Py_NewRef(found(answer)));
    snprintf(what, sizeof what, "case %d: the reference %s", number,
             answer ? "gives what is not plain data" : "fails");
    /* A handle equals nothing, not even itself. */
    if (!answer || judge_equal(answer, answer, &exact) <= 0) {
        Py_XDECREF(answer);
        return fault(job, what, err);
    }
    c->expected = answer;
    return 0;
}

/* Whether the problem's test module is one that can judge a program here. */
static int try_framework(struct judge_job *job, PyObject *entry, struct err *err)
{
    PyObject *space = judge_globals(job);
    if (!space || judge_bind_entry(job, space, entry) < 0) {
        Py_XDECREF(space);
        return fault(job, "the tests do not start", err);
    }
    judge_session_globals(space);
    int rc = judge_framework_run(job, space, true, err);
    judge_session_globals(NULL);
    PyDict_Clear(space);
    Py_DECREF(space);
    return rc;
}

static int run_reference(struct judge_job *job, struct err *err)
{
    struct judge_suite *s = job->suite;
    PyObject *entry = NULL;
    int rc = 0;
    if (judge_load_program(job, job->program) < 0)
        return fault(job, "the reference does not load", err);
    if (!(entry = judge_entry(job)))
        return fault(job, "the reference lacks the entry point", err);
    for (int i = 0; rc == 0 && i < s->n_cases; i++)
        if (s->cases[i].derived && !s->cases[i].expected && !s->cases[i].dropped)
            rc = answer_case(job, &s->cases[i], i + 1, entry, err);
    if (rc == 0 && s->framework)
        rc = try_framework(job, entry, err);
    Py_DECREF(entry);
    return rc;
}

static void grow_limits(struct judge_suite *s, double cpu_s)
{
    double times = json_number_value(json_object_get(json_object_get(s->json, "derive"), "times"));
    if (times * cpu_s > s->limits.cpu_s) {
        s->limits.wall_s += times * cpu_s - s->limits.cpu_s;
        s->limits.cpu_s = times * cpu_s;
    }
}

int judge_accepts(const struct judge_suite *s, const struct judge_case *c, PyObject *got,
                  PyObject *want)
{
    static const struct judge_compare exact;
    if (s->found)
        return found(got) == found(want);
    if (judge_equal(got, got, &exact) <= 0) /* not plain data: nothing to be asked about */
        return 0;
    Py_ssize_t n = c->args ? PyTuple_GET_SIZE(c->args) : 0;
    PyObject *all = PyTuple_New(n + 2), *answer = NULL;
    if (all) {
        PyTuple_SET_ITEM(all, 0, Py_NewRef(got));
        PyTuple_SET_ITEM(all, 1, Py_NewRef(want));
        for (Py_ssize_t i = 0; i < n; i++)
            PyTuple_SET_ITEM(all, i + 2, Py_NewRef(PyTuple_GET_ITEM(c->args, i)));
        answer = PyObject_Call(s->accept, all, c->kwargs);
    }
    int yes = answer ? PyObject_IsTrue(answer) : -1;
    Py_XDECREF(all);
    Py_XDECREF(answer);
    return yes;
}

int judge_derive(struct judge_suite *s, struct err *err)
{
    const char *program = s->oracle ? PyUnicode_AsUTF8(s->oracle) : s->reference;
    struct judge_job job = {
        .suite = s,
        .program = str_of(program ? program : ""),
        .with_starter = true,
        .frames_fd = -1,
        .failures = json_array(),
        .lint = json_array(),
        .guest = {.fd = -1, .pipes = {-1, -1, -1}},
    };
    struct limits limits = s->limits;
    limits.cpu_s = CPU_S_MAX;
    limits.wall_s = WALL_S_MAX;
    int ours = judge_job_start_guest(&job, &limits, GUEST_FOR_CALLS), theirs = 0;
    if (ours == 0) {
        judge_session_begin(&job.guest);
        theirs = run_reference(&job, err);
        judge_session_end();
        ours = judge_job_finish_guest(&job);
    }
    if (ours == 0 && theirs == 0 && s->total == 0)
        theirs = err_set(err, -EINVAL, "the contract refuses every input");
    if (ours < 0)
        *err = job.infra;
    else if (theirs < 0)
        s->broken = check_alloc(strdup(err->text));
    else
        grow_limits(s, (double)job.cpu_us / 1e6);
    s->underived = ours < 0;
    json_decref(job.failures);
    json_decref(job.lint);
    judge_guest_free(&job.guest);
    return ours < 0 ? ours : theirs;
}
