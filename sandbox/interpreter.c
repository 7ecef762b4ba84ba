/* interpreter.c: an embedded, isolated CPython that is warm before the first program arrives.
 *
 * Everything is pinned so that a verdict repeats: no environment, no site, no user folder, no
 * bytecode written, UTF-8 everywhere and hash seed 0. What programs usually import is imported
 * here, once, and frozen: a forked child then finds the modules in memory and its garbage
 * collector never touches (hence never copies) their pages.
 *
 * Numeric libraries keep pools of threads, which no fork takes along and no program needs: they
 * are told to have none, before they are loaded. Their working memory, which they take at the
 * first call and keep, is taken here, so that it is not in a guest's limit. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <malloc.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/str.h"
#include "sandbox/interpreter.h"
#include "value.h"

#define PYTHON_PREFIX  L"/usr"
#define PYTHON_LIBRARY L"/usr/lib/python3.11"

static const char *const warm_modules[] = {
    "math",        "cmath",     "random",    "re",         "collections", "collections.abc",
    "itertools",   "functools", "heapq",     "bisect",     "string",      "typing",
    "copy",        "datetime",  "decimal",   "fractions",  "operator",    "statistics",
    "dataclasses", "enum",      "json",      "abc",        "io",          "sys",
    "array",       "time",      "threading", "contextlib", "textwrap",    "numbers",
    "struct",      "traceback", "atexit",    "queue",      "hashlib",     "linecache",
    "types",       "weakref",   "signal",    "_strptime",
};

struct interpreter_options interpreter_options_env(void)
{
    return (struct interpreter_options){
        .path = getenv("ASSAY_PYTHON_PATH"),
        .preload = getenv("ASSAY_PYTHON_PRELOAD"),
    };
}

int interpreter_error(struct err *err, int code, const char *doing)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    PyObject *text = value ? PyObject_Str(value) : NULL;
    const char *utf8 = text ? PyUnicode_AsUTF8(text) : NULL;
    err_set(err, code, "%s: %s: %s", doing, type ? ((PyTypeObject *)type)->tp_name : "error",
            utf8 ? utf8 : "?");
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return code;
}

/* Appends every item of a list such as "a:b" to the search path. */
static PyStatus add_paths(PyConfig *config, const char *list)
{
    PyStatus status = PyStatus_Ok();
    while (list && *list && !PyStatus_Exception(status)) {
        size_t n = strcspn(list, ":");
        char *one = strndup(list, n);
        wchar_t *wide = one ? Py_DecodeLocale(one, NULL) : NULL;
        if (!wide)
            status = PyStatus_NoMemory();
        else if (*wide)
            status = PyWideStringList_Append(&config->module_search_paths, wide);
        PyMem_RawFree(wide);
        free(one);
        list += n + (list[n] == ':');
    }
    return status;
}

static PyStatus start(PyConfig *config, const struct interpreter_options *options)
{
    PyPreConfig early;
    PyPreConfig_InitIsolatedConfig(&early);
    early.utf8_mode = 1;
    PyStatus status = Py_PreInitialize(&early);
    if (PyStatus_Exception(status))
        return status;
    PyConfig_InitIsolatedConfig(config);
    config->use_hash_seed = 1;
    config->hash_seed = 0;
    config->site_import = 0;
    config->write_bytecode = 0;
    config->pathconfig_warnings = 0;
    config->install_signal_handlers = 1;
    config->module_search_paths_set = 1;
    const struct {
        wchar_t **field;
        const wchar_t *text;
    } strings[] = {
        {&config->home, PYTHON_PREFIX},
        {&config->prefix, PYTHON_PREFIX},
        {&config->base_prefix, PYTHON_PREFIX},
        {&config->exec_prefix, PYTHON_PREFIX},
        {&config->program_name, L"python3"},
        {&config->base_exec_prefix, PYTHON_PREFIX},
        {&config->executable, L"/usr/bin/python3"},
        {&config->base_executable, L"/usr/bin/python3"},
        {&config->platlibdir, L"lib"},
        {&config->stdlib_dir, PYTHON_LIBRARY},
    };
    for (size_t i = 0; i < COUNT_OF(strings) && !PyStatus_Exception(status); i++)
        status = PyConfig_SetString(config, strings[i].field, strings[i].text);
    if (!PyStatus_Exception(status))
        status = PyWideStringList_Append(&config->module_search_paths, PYTHON_LIBRARY);
    if (!PyStatus_Exception(status))
        status =
            PyWideStringList_Append(&config->module_search_paths, PYTHON_LIBRARY L"/lib-dynload");
    if (!PyStatus_Exception(status))
        status = add_paths(config, options->path);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(config);
    return status;
}

static int warm(const char *name, struct err *err)
{
    PyObject *module = PyImport_ImportModule(name);
    if (!module)
        return interpreter_error(err, -ENOENT, name);
    Py_DECREF(module);
    return 0;
}

/* One product of matrices makes OpenBLAS take its buffers. */
static int warm_numeric(struct err *err)
{
    if (!PyDict_GetItemString(PyImport_GetModuleDict(), "numpy"))
        return 0;
    PyObject *globals = PyDict_New(), *done = NULL;
    if (globals && PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) == 0)
        done = PyRun_String("import numpy\na = numpy.eye(64)\nnumpy.linalg.solve(a @ a, a)\n",
                            Py_file_input, globals, globals);
    Py_XDECREF(globals);
    Py_XDECREF(done);
    return done ? 0 : interpreter_error(err, -ENOEXEC, "numpy");
}

static int one_thread_each(struct err *err)
{
    static const char *const names[] = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS",
                                        "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
                                        "VECLIB_MAXIMUM_THREADS"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (setenv(names[i], "1", 1) != 0)
            return err_set(err, -errno, "setenv: %s", strerror(errno));
    return 0;
}

static int warm_list(const char *list, struct err *err)
{
    while (list && *list) {
        size_t n = strcspn(list, ",");
        char name[128];
        if (n >= sizeof name)
            return err_set(err, -EINVAL, "preload: a module name longer than %zu bytes",
                           sizeof name - 1);
        memcpy(name, list, n);
        name[n] = 0;
        if (n)
            TRY(warm(name, err));
        list += n + (list[n] == ',');
    }
    return 0;
}

/* Collects once, then moves all that lives now out of the collector's generations. */
static int freeze(struct err *err)
{
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *done = gc ? PyObject_CallMethod(gc, "collect", NULL) : NULL;
    Py_XDECREF(done);
    done = done ? PyObject_CallMethod(gc, "freeze", NULL) : NULL;
    Py_XDECREF(done);
    Py_XDECREF(gc);
    if (!done)
        return interpreter_error(err, -ENOMEM, "gc.freeze");
    malloc_trim(0);
    return 0;
}

/* Hooks that modules leave for forks (threading's, random's) repair locks and seeds. This
 * process forks with one thread, no lock held and the seed set, and a child may not fork: the
 * hooks would only dirty a hundred pages of each child. So while the common modules are imported
 * there is nowhere to leave one. */
static int set_fork_hooks(bool on, struct err *err)
{
    static PyObject *original;
    PyObject *os = PyImport_ImportModule("os");
    int rc = -1;
    if (os && !on && (original = PyObject_GetAttrString(os, "register_at_fork"))) {
        PyObject *globals = PyDict_New();
        PyObject *ignore =
            globals ? PyRun_String("lambda **hooks: None", Py_eval_input, globals, globals) : NULL;
        rc = ignore ? PyObject_SetAttrString(os, "register_at_fork", ignore) : -1;
        Py_XDECREF(ignore);
        Py_XDECREF(globals);
    } else if (os && on) {
        rc = PyObject_SetAttrString(os, "register_at_fork", original);
        Py_CLEAR(original);
    }
    Py_XDECREF(os);
    return rc == 0 ? 0 : interpreter_error(err, -ENOEXEC, "os.register_at_fork");
}

int interpreter_start(const struct interpreter_options *options, struct err *err)
{
    PyConfig config;
    TRY(one_thread_each(err));
    PyStatus status = start(&config, options);
    if (PyStatus_Exception(status)) {
        int code = err_set(err, -ENOEXEC, "Python does not start: %s",
                           status.err_msg ? status.err_msg : "exit requested");
        PyConfig_Clear(&config);
        return code;
    }
    PyConfig_Clear(&config);
    TRY(set_fork_hooks(false, err));
    for (size_t i = 0; i < COUNT_OF(warm_modules); i++)
        TRY(warm(warm_modules[i], err));
    TRY(warm_list(options->preload, err));
    TRY(warm_numeric(err));
    TRY(set_fork_hooks(true, err));
    if (value_init() != 0)
        return interpreter_error(err, -ENOENT, "value types");
    return freeze(err);
}
