/* judge_embed.h: the judge's own Python lies in .py files beside the C that runs it, and is part
 * of the program: a helper that gave up its files has nothing to look for. */
#ifndef ASSAY_JUDGE_EMBED_H
#define ASSAY_JUDGE_EMBED_H

#include <Python.h>

#include "verifier/embed.h"

/* Runs the text as a module of the judge. Its globals, a new reference that the caller keeps for
 * good; NULL with a Python error set. */
static inline PyObject *judge_embedded(const char *text, const char *name)
{
    PyObject *globals = PyDict_New(), *done = NULL;
    PyObject *code = Py_CompileString(text, name, Py_file_input);
    if (globals && code && PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) == 0)
        done = PyEval_EvalCode(code, globals, globals);
    Py_XDECREF(code);
    if (!done)
        Py_CLEAR(globals);
    Py_XDECREF(done);
    return globals;
}

#endif
