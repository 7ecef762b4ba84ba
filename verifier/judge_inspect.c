/* judge_inspect.c: op "inspect": what `assay check` asks of a problem beyond running its solutions.
 * Like a generator's, the sources are the problem's own and trusted; nothing is run, only read. */
#include <Python.h>

#include "base/clock.h"
#include "verifier/judge.h"
#include "verifier/judge_embed.h"
#include "verifier/judge_job.h"
#include "verifier/judge_text.h"
#include "verifier/judge_watch.h"

EMBED_TEXT(judge__inspect_text, "verifier/judge_inspect.py");

static const int64_t INSPECT_NS = 60ll * NS_PER_S;

/* The module is made when it is first wanted: grading does without it. */
static PyObject *inspect_function(void)
{
    static PyObject *globals;
    if (!globals)
        globals = judge_embedded(judge__inspect_text, "<inspect>");
    return globals ? PyDict_GetItemString(globals, "inspect") : NULL;
}

json_t *judge_inspect(const json_t *request)
{
    struct buf text = {0};
    struct err err = {0};
    json_t *found = NULL, *r = json_object();
    judge_watch_open(INSPECT_NS, NULL, -1);
    PyObject *function = inspect_function(), *argument = judge_from_json(request);
    PyObject *made = function && argument ? PyObject_CallOneArg(function, argument) : NULL;
    if (made)
        found = judge_to_json(made, &err);
    else
        judge_error_text(&text);
    PyErr_Clear();
    judge_watch_close();
    Py_XDECREF(made);
    Py_XDECREF(argument);
    if (err.code)
        buf_puts(&text, err.text);
    json_object_set_new(r, "infra", json_null());
    json_object_set_new(
        r, "error", found ? json_null() : judge_json_text(buf_view(&text), JUDGE_TEXT_BYTES_MAX));
    json_object_set_new(r, "found", found ? found : json_object());
    buf_free(&text);
    return r;
}
