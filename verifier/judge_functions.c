/* judge_functions.c: the tests that call the program: cases and test source, all in one guest. */
#include "verifier/judge.h"
#include "verifier/judge_derive.h"
#include "verifier/judge_framework.h"
#include "verifier/judge_job.h"
#include "verifier/judge_proxy.h"
#include "verifier/judge_text.h"
#include "verifier/judge_watch.h"

/* ---- loading --------------------------------------------------------------------------------- */

int judge_load_program(struct judge_job *job, struct str program)
{
    const char *starter = job->suite->starter;
    if (!starter || !job->with_starter)
        return judge_load(program.s, program.len, 0);
    /* On its own, so that the program keeps its line numbers and its `from __future__`. A
     * starter that is only a signature does not compile; it is then for reading. */
    if (job->suite->starter_code && judge_load(starter, strlen(starter), 0) < 0)
        return -1;
    return judge_load(program.s, program.len, 0);
}

static long attribute_number(PyObject *o, const char *name)
{
    PyObject *value = PyObject_GetAttrString(o, name);
    long n = value && PyLong_Check(value) ? PyLong_AsLong(value) : 0;
    Py_XDECREF(value);
    PyErr_Clear();
    return n > 0 ? n : 0;
}

bool judge_note_syntax_error(struct judge_job *job)
{
    PyObject *type, *value, *trace;
    if (!PyErr_ExceptionMatches(PyExc_SyntaxError) && !PyErr_ExceptionMatches(PyExc_ValueError))
        return false;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    PyObject *message = PyObject_GetAttrString(value, "msg");
    PyObject *file = PyObject_GetAttrString(value, "filename");
    bool ours = message && PyUnicode_Check(message) && file && PyUnicode_Check(file) &&
                PyUnicode_CompareWithASCIIString(file, "<solution>") == 0;
    PyErr_Clear();
    if (ours) {
        const char *text = PyUnicode_AsUTF8(message);
        PyErr_Clear();
        long line = attribute_number(value, "lineno") - job->lines_before;
        json_array_append_new(
            job->lint,
            json_pack("{s:I, s:I, s:s, s:o}", "line", (json_int_t)(line > 0 ? line : 1), "column",
                      (json_int_t)attribute_number(value, "offset"), "code", "syntax-error",
                      "message", judge_json_text(str_of(text ? text : ""), JUDGE_TEXT_BYTES_MAX)));
    }
    Py_XDECREF(message);
    Py_XDECREF(file);
    PyErr_Restore(type, value, trace);
    return ours;
}

/* The program did not load: no test can pass. The pending error says why. */
static void fail_load(struct judge_job *job)
{
    struct buf text = {0};
    enum reason reason = judge_reason_of_error(&job->guest);
    if (judge_note_syntax_error(job))
        reason = REASON_SYNTAX_ERROR;
    else if (reason == REASON_EXCEPTION || reason == REASON_WRONG_ANSWER)
        reason = REASON_LOAD_ERROR;
    judge_describe_error(job, &text);
    PyErr_Clear();
    judge_fail(job, reason, NULL, NULL, NULL, text.s);
    buf_free(&text);
}

/* ---- cases ----------------------------------------------------------------------------------- */

static json_t *call_text(const struct judge_job *job, const struct judge_case *c)
{
    struct buf text = {0};
    const char *comma = "";
    if (c->text)
        return judge_json_text(str_of(c->text), JUDGE_TEXT_BYTES_MAX);
    buf_printf(&text, "%s(", job->suite->entry_point);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(c->args) && text.len < JUDGE_TEXT_BYTES_MAX; i++) {
        json_t *arg = judge_show(PyTuple_GET_ITEM(c->args, i));
        buf_printf(&text, "%s%s", comma, json_string_value(arg));
        json_decref(arg);
        comma = ", ";
    }
    if (PyDict_GET_SIZE(c->kwargs) > 0) {
        json_t *named = judge_show(c->kwargs);
        buf_printf(&text, "%s**%s", comma, json_string_value(named));
        json_decref(named);
    }
    buf_char(&text, ')');
    json_t *made = judge_json_text(buf_view(&text), JUDGE_TEXT_BYTES_MAX);
    buf_free(&text);
    return made;
}

/* Whether the pending error is of the class that the case names, or a class below it. */
static bool raised_as_named(const char *name)
{
    PyObject *type = PyErr_Occurred();
    if (PyErr_ExceptionMatches(judge_stop) || !PyType_Check(type))
        return false;
    PyObject *classes = ((PyTypeObject *)type)->tp_mro;
    for (Py_ssize_t i = 0; classes && i < PyTuple_GET_SIZE(classes); i++) {
        const char *full = ((PyTypeObject *)PyTuple_GET_ITEM(classes, i))->tp_name;
        const char *dot = strrchr(full, '.');
        if (strcmp(dot ? dot + 1 : full, name) == 0)
            return true;
    }
    return false;
}

static void judge_answer(struct judge_job *job, const struct judge_case *c, PyObject *globals,
                         PyObject *got)
{
    /* `returns` is Python source, so it says tuple where it means tuple. */
    struct judge_compare exact = job->suite->compare;
    exact.any_sequence = false;
    PyObject *want =
        c->returns ? PyEval_EvalCode(c->returns, globals, globals) : Py_XNewRef(c->expected);
    if (c->raises || !want) {
        if (PyErr_Occurred())
            judge_fail_by_error(job, call_text(job, c));
        else
            judge_fail(job, REASON_WRONG_ANSWER, call_text(job, c), got, NULL,
                       "no exception was raised");
        Py_XDECREF(want);
        return;
    }
    int same = job->suite->accept || job->suite->found
                   ? judge_accepts(job->suite, c, got, want)
                   : judge_equal(got, want, c->returns ? &exact : &job->suite->compare);
    if (same == 0 && c->element)
        same = judge_equal(got, c->element, &job->suite->compare);
    if (same > 0)
        judge_pass(job);
    else if (same < 0)
        judge_fail_by_error(job, call_text(job, c));
    else
        judge_fail(job, REASON_WRONG_ANSWER, call_text(job, c), got, want, NULL);
    Py_DECREF(want);
}

static void run_case(struct judge_job *job, const struct judge_case *c, PyObject *globals,
                     PyObject *entry)
{
    judge_next_test(job, c->json);
    judge_session_awaits(c->text && strstr(c->text, "asyncio"));
    judge_let_stop(c->raises && !c->call);
    PyObject *got = c->call ? PyEval_EvalCode(c->call, globals, globals)
                            : judge_call(entry, c->args, c->kwargs, true);
    judge_session_awaits(false);
    if (got) {
        judge_answer(job, c, globals, got);
    } else if (c->raises && raised_as_named(c->raises)) {
        PyErr_Clear();
        judge_pass(job);
    } else {
        judge_fail_by_error(job, call_text(job, c));
    }
    Py_XDECREF(got);
}

/* ---- test source ----------------------------------------------------------------------------- */

static int run_source(struct judge_job *job, PyObject *globals)
{
    PyObject *done = PyEval_EvalCode(job->suite->tests_code, globals, globals);
    if (done && job->suite->calls_check) {
        PyObject *check = PyDict_GetItemString(globals, "check");
        PyObject *candidate = PyDict_GetItemString(globals, "candidate");
        Py_SETREF(done, check ? PyObject_CallOneArg(check, candidate) : NULL);
        if (!done && !PyErr_Occurred())
            PyErr_SetString(PyExc_NameError, "check");
    }
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static void run_tests(struct judge_job *job, PyObject *globals)
{
    int before = job->passed;
    size_t told = json_array_size(job->failures);
    judge_sites_begin(job);
    judge_session_awaits(job->suite->awaits);
    /* Test code that catches everything may go on past the end of the guest, but not pass. */
    bool completed = run_source(job, globals) == 0;
    judge_session_awaits(false);
    if (completed && (job->guest.over || judge_watch_expired())) {
        PyErr_SetNone(judge_stop);
        completed = false;
    }
    judge_sites_end(completed);
    if (completed && job->suite->n_sites == 0)
        judge_pass(job);
    if (completed)
        return;
    /* An exception outside any assert fails the source even if every assert that ran was true. */
    if (job->suite->n_sites > 0) {
        job->tests--;
        if (job->passed - before == job->suite->n_sites)
            job->passed--;
    }
    /* The end of the guest was told by the assert in which it happened, if it was one. */
    if (PyErr_ExceptionMatches(judge_stop) && json_array_size(job->failures) > told)
        PyErr_Clear();
    else
        judge_fail_by_error(job, NULL);
}

/* Tests that can judge no program are the problem's fault, now and for later programs. */
static void run_source_tests(struct judge_job *job, PyObject *globals)
{
    if (!job->suite->framework)
        run_tests(job, globals);
    else if (judge_framework_run(job, globals, false, &job->infra) < 0)
        job->suite->broken = check_alloc(strdup(job->infra.text));
}

/* ---- all of it ------------------------------------------------------------------------------- */

int judge_seed_random(long seed)
{
    static const char *const modules[] = {"random", "numpy.random"};
    for (size_t i = 0; i < COUNT_OF(modules); i++) {
        PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), modules[i]);
        PyObject *done = module ? PyObject_CallMethod(module, "seed", "l", seed) : NULL;
        Py_XDECREF(done);
        if (module && !done)
            return -1;
    }
    return 0;
}

static void run_loaded(struct judge_job *job)
{
    struct judge_suite *s = job->suite;
    PyObject *entry = judge_entry(job), *globals = NULL;
    if (!entry && !PyErr_Occurred()) {
        judge_fail(job, REASON_NO_ENTRY_POINT, NULL, NULL, NULL, s->entry_point);
        return;
    }
    if (entry && judge_seed_random(0) == 0)
        globals = judge_globals(job);
    if (!globals || judge_bind_entry(job, globals, entry) < 0) {
        judge_fail_by_error(job, NULL);
    } else {
        judge_session_globals(globals);
        for (int i = 0; i < s->n_cases && !job->guest.over && !judge_watch_expired(); i++)
            if (!s->cases[i].dropped)
                run_case(job, &s->cases[i], globals, entry);
        judge_next_test(job, NULL);
        if (s->tests_code && !job->guest.over && !judge_watch_expired())
            run_source_tests(job, globals);
    }
    judge_session_globals(NULL);
    if (globals)
        PyDict_Clear(globals); /* functions and their globals hold each other */
    Py_XDECREF(globals);
    Py_XDECREF(entry);
}

int judge_run_functions(struct judge_job *job)
{
    TRY(judge_job_start_guest(job, &job->suite->limits, GUEST_FOR_CALLS));
    judge_session_begin(&job->guest);
    if (judge_load_program(job, job->program) == 0)
        run_loaded(job);
    else
        fail_load(job);
    PyErr_Clear();
    if (job->guest.over)
        job->reason = job->guest.reason;
    else if (judge_watch_expired())
        job->reason = REASON_TIME_LIMIT;
    judge_session_end();
    int rc = judge_job_finish_guest(job);
    return job->infra.code ? job->infra.code : rc;
}
