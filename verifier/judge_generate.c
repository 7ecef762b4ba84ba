/* judge_generate.c: op "generate": a problem family's own Python, run where problems are trusted
 * and nothing else is. */
#include <Python.h>
#include <frameobject.h>

#include "base/clock.h"
#include "verifier/judge.h"
#include "verifier/judge_job.h"
#include "verifier/judge_text.h"
#include "verifier/judge_watch.h"

enum { PROBLEMS_MAX = 1000000 };
static const int64_t GENERATE_NS = 600ll * NS_PER_S;

/* The last line of `name` that the pending error passed through; 0 if none. The error stays. */
static int error_line(const char *name)
{
    PyObject *type, *value, *trace;
    int line = 0;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    for (PyTracebackObject *t = (PyTracebackObject *)trace; t; t = t->tb_next) {
        PyCodeObject *code = PyFrame_GetCode(t->tb_frame);
        /* tb_lineno is filled in lazily; the instruction's address gives it. */
        if (PyUnicode_CompareWithASCIIString(code->co_filename, name) == 0)
            line = PyCode_Addr2Line(code, t->tb_lasti);
        Py_DECREF(code);
    }
    PyErr_Restore(type, value, trace);
    return line;
}

/* Drains the generator into an array. 0, or -1 with a Python error set, or with `text` filled. */
static int collect(PyObject *iterable, json_t *problems, struct buf *text)
{
    PyObject *iterator = PyObject_GetIter(iterable), *item;
    struct err err = {0};
    while (iterator && (item = PyIter_Next(iterator)) != NULL) {
        size_t n = json_array_size(problems);
        json_t *json = PyDict_Check(item) ? judge_to_json(item, &err) : NULL;
        if (!json)
            buf_printf(text, "problem %zu: %s", n,
                       err.code ? err.text : "generate() must yield dicts");
        else if (json_array_append_new(problems, json) != 0 || n >= PROBLEMS_MAX)
            buf_puts(text, "generate() yields more problems than fit");
        Py_DECREF(item);
        if (text->len)
            break;
    }
    Py_XDECREF(iterator);
    return text->len || PyErr_Occurred() ? -1 : 0;
}

static int run_source(const json_t *request, const char *name, json_t *problems, struct buf *text)
{
    const char *source = json_string_value(json_object_get(request, "source"));
    const json_t *params = json_object_get(request, "params");
    PyObject *globals = PyDict_New(), *none = PyTuple_New(0), *done = NULL, *made = NULL;
    PyObject *kwargs = params ? judge_from_json(params) : PyDict_New();
    PyObject *code = source ? Py_CompileString(source, name, Py_file_input) : NULL;
    if (globals && none && kwargs && code && judge_seed_random(0) == 0 &&
        PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) == 0)
        done = PyEval_EvalCode(code, globals, globals);
    PyObject *generate = done ? PyDict_GetItemString(globals, "generate") : NULL;
    if (done && !generate)
        PyErr_SetString(PyExc_NameError, "the source defines no generate()");
    if (generate)
        made = PyObject_Call(generate, none, kwargs);
    int rc = made ? collect(made, problems, text) : -1;
    if (rc < 0 && text->len == 0 && PyErr_Occurred()) {
        int line = error_line(name);
        if (line > 0)
            buf_printf(text, "line %d: ", line);
        judge_error_text(text);
    }
    PyErr_Clear();
    if (globals)
        PyDict_Clear(globals);
    Py_XDECREF(made);
    Py_XDECREF(done);
    Py_XDECREF(code);
    Py_XDECREF(kwargs);
    Py_XDECREF(none);
    Py_XDECREF(globals);
    return rc;
}

json_t *judge_generate(const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "name"));
    json_t *problems = json_array(), *r = json_object();
    struct buf text = {0};
    judge_watch_open(GENERATE_NS, NULL, -1);
    int rc = run_source(request, name ? name : "<generate>", problems, &text);
    judge_watch_close();
    json_object_set_new(r, "infra", json_null());
    json_object_set_new(r, "error",
                        rc < 0
                            ? judge_json_text(text.len ? buf_view(&text) : STR("no source"), 4096)
                            : json_null());
    json_object_set_new(r, "problems", rc < 0 ? json_array() : json_incref(problems));
    json_decref(problems);
    buf_free(&text);
    return r;
}
