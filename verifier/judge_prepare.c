/* judge_prepare.c: the rewriting of test code, once a suite.
 *
 * `assert X` becomes a numbered site that is recorded and never raises, so that one wrong answer
 * does not hide the other tests (the functions called are in judge_sites.c):
 *
 *     try:
 *         if not __assay_check__(7, X): __assay_note__(message)
 *     except:
 *         __assay_caught__(7)
 *
 * and `assert L == R` uses __assay_equal__(7, L, R, which) so that both sides can be shown;
 * `which` side is the program's, the one that calls something. A name such as `math` that test
 * code uses but never binds is imported in front: it must be the judge's module, as unbound
 * names are the program's. The transformation is Python because Python's own `ast` module is the
 * only parser that agrees with Python; judge_prepare.py runs in the judge, on trusted sources. */
#include "verifier/judge_prepare.h"

#include "base/check.h"
#include "verifier/judge_embed.h"

EMBED_TEXT(judge__prepare_text, "verifier/judge_prepare.py");

static PyObject *starter_function, *tests_function, *shadows_function, *shown_function;

int judge_prepare_init(void)
{
    PyObject *globals = judge_embedded(judge__prepare_text, "<prepare>");
    if (!globals)
        return -1;
    starter_function = PyDict_GetItemString(globals, "starter");
    tests_function = PyDict_GetItemString(globals, "tests");
    shadows_function = PyDict_GetItemString(globals, "shadows");
    shown_function = PyDict_GetItemString(globals, "shown");
    CHECK(starter_function && tests_function && shadows_function &&
          shown_function); /* `globals` lives as long as the process */
    return 0;
}

PyObject *judge_prepare_starter(const char *source)
{
    return PyObject_CallFunction(starter_function, "s", source);
}

PyObject *judge_prepare_tests(const char *source, PyObject *taken, const char *reference,
                              const char *entry_point)
{
    return PyObject_CallFunction(tests_function, "sOzz", source, taken, reference, entry_point);
}

PyObject *judge_prepare_shadows(const char *source)
{
    return PyObject_CallFunction(shadows_function, "s", source);
}

PyObject *judge_prepare_shown(PyObject *text)
{
    PyObject *shown = PyObject_CallOneArg(shown_function, text);
    if (shown)
        return shown;
    PyErr_Clear();
    return Py_NewRef(text);
}

PyObject *judge_prepare_expression(const char *source, const char *where)
{
    return Py_CompileString(source, where, Py_eval_input);
}
