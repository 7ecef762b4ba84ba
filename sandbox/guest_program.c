/* guest_program.c: compiling and running the program's text: as a module whose functions the
 * judge will call, or as a whole program on its own standard streams.
 *
 * What a program could rebind (sys.stdout, atexit, threading) was looked up before it ran, so
 * ending in order does not depend on it. */
#include <signal.h>
#include <unistd.h>

#include "base/check.h"
#include "sandbox/guest.h"
#include "usual_imports.h"

static const char solution_name[] = "<solution>";

static struct {
    PyObject *builtins, *io_open;
    PyObject *threading_shutdown, *run_exit_functions;
    PyObject *line_cache; /* linecache.cache, where inspect finds sources */
    PyObject *usual;      /* a module "solution" that has the usual imports */
    PyObject *main; /* what the program takes the place of; to take it apart would cost time */
    PyObject *streams[3]; /* the whole program's own */
} own;

static PyObject *attribute(const char *module, const char *name)
{
    PyObject *m = PyImport_ImportModule(module);
    PyObject *value = m ? PyObject_GetAttrString(m, name) : NULL;
    Py_XDECREF(m);
    return value;
}

/* Every child inherits the generator in this state; no hook reseeds it after the fork (see
 * interpreter.c). */
static int seed(const char *module)
{
    PyObject *function = attribute(module, "seed");
    PyObject *done = function ? PyObject_CallFunction(function, "i", 0) : NULL;
    Py_XDECREF(function);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* exit(), quit() and help(), which the site module would have defined. */
static int define_site_builtins(void)
{
    static const char *const rows[][2] = {
        {"exit", "Quitter"}, {"quit", "Quitter"}, {"help", "_Helper"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        PyObject *type = attribute("_sitebuiltins", rows[i][1]);
        PyObject *args =
            i < 2 ? Py_BuildValue("(ss)", rows[i][0], "Ctrl-D (i.e. EOF)") : PyTuple_New(0);
        PyObject *value = type && args ? PyObject_CallObject(type, args) : NULL;
        int rc = value ? PyObject_SetAttrString(own.builtins, rows[i][0], value) : -1;
        Py_XDECREF(type);
        Py_XDECREF(args);
        Py_XDECREF(value);
        if (rc != 0)
            return -1;
    }
    return 0;
}

/* What a module begins with. */
static int furnish(PyObject *dict)
{
    PyObject *file = PyUnicode_FromString("solution.py");
    int rc = file ? PyDict_SetItemString(dict, "__builtins__", own.builtins) : -1;
    if (rc == 0)
        rc = PyDict_SetItemString(dict, "__file__", file);
    Py_XDECREF(file);
    return rc;
}

static int prepare_usual(void)
{
    own.usual = PyModule_New("solution");
    PyObject *dict = own.usual ? PyModule_GetDict(own.usual) : NULL, *done = NULL;
    if (dict && furnish(dict) == 0)
        done = PyRun_String(USUAL_IMPORTS, Py_file_input, dict, dict);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

int guest_program_prepare(void)
{
    own.builtins = PyImport_ImportModule("builtins");
    own.io_open = attribute("io", "open");
    own.threading_shutdown = attribute("threading", "_shutdown");
    own.run_exit_functions = attribute("atexit", "_run_exitfuncs");
    own.line_cache = attribute("linecache", "cache");
    own.main = PyImport_ImportModule("__main__");
    if (!own.builtins || !own.main || !own.io_open || !own.threading_shutdown ||
        !own.run_exit_functions || !own.line_cache || !PyDict_CheckExact(own.line_cache) ||
        define_site_builtins() != 0 || prepare_usual() != 0)
        return -1;
    PyObject *argv = Py_BuildValue("[s]", "solution.py");
    int rc = argv ? PySys_SetObject("argv", argv) : -1;
    Py_XDECREF(argv);
    if (rc == 0)
        rc = seed("random");
    if (rc == 0 && PyDict_GetItemString(PyImport_GetModuleDict(), "numpy.random"))
        rc = seed("numpy.random");
    return rc;
}

/* A module dict to run in; borrowed. `name` is "solution" or "__main__". */
static PyObject *module_dict(const char *name)
{
    PyObject *module = PyImport_AddModule(name);
    PyObject *dict = module ? PyModule_GetDict(module) : NULL;
    return dict && furnish(dict) == 0 ? dict : NULL;
}

/* So that inspect.getsource() and tracebacks show the program's text, by either of its names. What
 * fails here only leaves that out. */
static void remember_lines(PyObject *text)
{
    static const char *const names[] = {solution_name, "solution.py"};
    PyObject *lines = PyUnicode_Splitlines(text, 1);
    for (size_t i = 0; i < COUNT_OF(names) && lines; i++) {
        PyObject *entry =
            Py_BuildValue("nOOs", PyUnicode_GET_LENGTH(text), Py_None, lines, names[i]);
        if (!entry || PyDict_SetItemString(own.line_cache, names[i], entry) < 0)
            PyErr_Clear();
        Py_XDECREF(entry);
    }
    Py_XDECREF(lines);
    PyErr_Clear();
}

/* Code object, or NULL with SyntaxError (or what the compiler raises) set. In the place of the usual
 * imports, where they are there already, stands a statement as well, so that what follows is
 * neither the module's docstring nor where `from __future__` may be. */
static PyObject *compile_text(struct str text, bool imported)
{
    PyCompilerFlags flags = {.cf_flags = PyCF_SOURCE_IS_UTF8 | PyCF_IGNORE_COOKIE,
                             .cf_feature_version = PY_MINOR_VERSION};
    if (str_starts(text, STR("\xef\xbb\xbf"))) /* as in a file, it is no part of the program */
        text = str_make(text.s + 3, text.len - 3);
    if (memchr(text.s, 0, text.len)) {
        PyErr_SetString(PyExc_SyntaxError, "source code cannot contain null bytes");
        return NULL;
    }
    PyObject *valid = PyUnicode_DecodeUTF8(text.s, (Py_ssize_t)text.len, "strict");
    if (!valid) {
        PyErr_SetString(PyExc_SyntaxError, "source code is not valid UTF-8");
        return NULL;
    }
    remember_lines(valid);
    Py_DECREF(valid);
    struct buf terminated = {0};
    if (imported) {
        buf_str(&terminated, STR("pass\n"));
        text = str_make(text.s + strlen(USUAL_IMPORTS), text.len - strlen(USUAL_IMPORTS));
    }
    buf_str(&terminated, text);
    PyObject *code = Py_CompileStringExFlags(terminated.s ? terminated.s : "", solution_name,
                                             Py_file_input, &flags, 0);
    buf_free(&terminated);
    return code;
}

PyObject *guest_load(struct guest *g, struct str text)
{
    PyObject *modules = PyImport_GetModuleDict();
    const bool usual =
        str_starts(text, STR(USUAL_IMPORTS)) && !PyDict_GetItemString(modules, "solution");
    if (usual && PyDict_SetItemString(modules, "solution", own.usual) < 0)
        return NULL;
    PyObject *globals = module_dict("solution");
    /* `from __main__ import f`, as in timeit's set-up, finds the program too. */
    PyObject *module = globals ? PyDict_GetItemString(modules, "solution") : NULL;
    if (!module || PyDict_SetItemString(modules, "__main__", module) < 0)
        return NULL;
    Py_XSETREF(g->globals, Py_NewRef(globals));
    PyObject *code = compile_text(text, usual);
    PyObject *result = code ? PyEval_EvalCode(code, globals, globals) : NULL;
    Py_XDECREF(code);
    return result;
}

PyObject *guest_load_aside(struct str text)
{
    PyObject *globals = PyDict_New(), *name = PyUnicode_FromString("aside"), *code = NULL;
    PyObject *result = NULL;
    if (globals && name && furnish(globals) == 0 &&
        PyDict_SetItemString(globals, "__name__", name) == 0)
        code = compile_text(text, false);
    if (code)
        result = PyEval_EvalCode(code, globals, globals);
    Py_XDECREF(code);
    Py_XDECREF(name);
    Py_XDECREF(globals);
    return result;
}

/* ---- whole programs -------------------------------------------------------------------------- */

/* Fresh stream objects: those of the keeper were made for other files and remember what these
 * could do. */
static int open_streams(void)
{
    static const struct {
        const char *name, *original, *mode, *errors;
    } rows[3] = {
        {"stdin", "__stdin__", "r", "surrogateescape"},
        {"stdout", "__stdout__", "w", "surrogateescape"},
        {"stderr", "__stderr__", "w", "backslashreplace"},
    };
    for (int fd = 0; fd < 3; fd++) {
        PyObject *stream = PyObject_CallFunction(own.io_open, "isisssO", fd, rows[fd].mode, -1,
                                                 "utf-8", rows[fd].errors, "\n", Py_False);
        if (!stream)
            return -1;
        own.streams[fd] = stream;
        if (PySys_SetObject(rows[fd].name, stream) != 0 ||
            PySys_SetObject(rows[fd].original, stream) != 0)
            return -1;
    }
    return 0;
}

static bool flush(PyObject *stream)
{
    PyObject *done = stream && stream != Py_None ? PyObject_CallMethod(stream, "flush", NULL)
                                                 : Py_NewRef(Py_None);
    bool ok = done != NULL;
    Py_XDECREF(done);
    PyErr_Clear();
    return ok;
}

/* The status that SystemExit asks for; a text goes to stderr, as everywhere. */
static int exit_status(PyObject *code)
{
    if (!code || code == Py_None)
        return 0;
    if (PyLong_Check(code)) {
        int overflow;
        return (int)(PyLong_AsLongAndOverflow(code, &overflow) & 0xff);
    }
    PyObject *text = PyObject_Str(code);
    if (text && own.streams[2])
        PyFile_WriteObject(text, own.streams[2], Py_PRINT_RAW);
    PyErr_Clear();
    if (own.streams[2])
        PyFile_WriteString("\n", own.streams[2]);
    Py_XDECREF(text);
    return 1;
}

/* The status of the pending error, which is printed unless it is an exit. */
static int report_error(void)
{
    if (!PyErr_ExceptionMatches(PyExc_SystemExit)) {
        PyErr_PrintEx(0);
        return 1;
    }
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    int status = 1;
    if (error && PyObject_TypeCheck(error, (PyTypeObject *)PyExc_SystemExit))
        status = exit_status(((PySystemExitObject *)error)->code);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    PyErr_Clear();
    return status;
}

static void call_quietly(PyObject *function)
{
    PyObject *done = PyObject_CallNoArgs(function);
    if (!done)
        PyErr_WriteUnraisable(function);
    Py_XDECREF(done);
}

/* What the interpreter does at its end, less the freeing of all it has: threads, exit functions,
 * streams. */
static _Noreturn void finish(int status)
{
    call_quietly(own.threading_shutdown);
    call_quietly(own.run_exit_functions);
    bool flushed = flush(PySys_GetObject("stdout"));
    flushed = flush(own.streams[1]) && flushed;
    flush(PySys_GetObject("stderr"));
    flush(own.streams[2]);
    _exit(!flushed && status == 0 ? 120 : status);
}

/* Says to the judge whether the text compiles, then runs it; its status is the process's. */
_Noreturn void guest_main(struct guest *g, uint32_t seq, struct str text)
{
    struct buf reply = {0};
    PyObject *globals = module_dict("__main__");
    if (!globals || open_streams() != 0) {
        PyErr_PrintEx(0);
        _exit(GUEST_EXIT_PYTHON);
    }
    PyObject *code = compile_text(text, false);
    if (code) {
        buf_char(&reply, VALUE_NONE);
        guest_take_turn(g);
        guest_write(GUEST_VALUE, seq, &reply);
        guest_end_turn(g);
        PyObject *result = PyEval_EvalCode(code, globals, globals);
        finish(result ? 0 : report_error());
    }
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    Py_XINCREF(type);
    Py_XINCREF(error);
    Py_XINCREF(trace);
    PyErr_Restore(type, error, trace);
    if (guest_put_raised(g, &reply) < 0)
        _exit(GUEST_EXIT_PYTHON);
    guest_take_turn(g);
    guest_write(GUEST_RAISED, seq, &reply);
    guest_end_turn(g);
    PyErr_Restore(type, error, trace);
    finish(report_error());
}
