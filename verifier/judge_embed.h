/* judge_embed.h: the judge's own Python lies in .py files beside the C that runs it, and is part
 * of the program: a helper that gave up its files has nothing to look for. */
#ifndef ASSAY_JUDGE_EMBED_H
#define ASSAY_JUDGE_EMBED_H

#include <Python.h>

// NOLINTBEGIN(bugprone-macro-parentheses): a name and a row of strings take none
/* `extern const char name[]` with the file's text, NUL at its end. `path` from the top of the
 * tree. */
#define EMBED_TEXT(name, path)                                                                     \
    extern const char name[] __attribute__((visibility("hidden")));                                \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global " #name "\n.hidden " #name "\n" #name ":\n"                                   \
            ".incbin \"" path "\"\n.byte 0\n"                                                      \
            ".popsection")

/* The same of several files, one after the other: `files` is a row of EMBED_FILE. */
#define EMBED_FILE(path) ".incbin \"" path "\"\n.ascii \"\\n\\n\"\n"
#define EMBED_TEXTS(name, files)                                                                   \
    extern const char name[] __attribute__((visibility("hidden")));                                \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global " #name "\n.hidden " #name "\n" #name ":\n" files ".byte 0\n"                 \
            ".popsection")
// NOLINTEND(bugprone-macro-parentheses)

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
