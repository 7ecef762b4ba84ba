/* guest_library.c: the whole of Python's library in memory, for guests that may open no file.
 *
 * Where the host grants neither a private root nor Landlock, any file that a guest could open is
 * one of the host's, the problems and their answers among them. So it opens none, and what honest
 * programs import must be there before the fork. That makes a template several times as large, and
 * is done on such hosts alone. */
#include "sandbox/guest.h"

/* Left out: what talks to a terminal or a display, prints when imported, or is no library. */
static const char importer[] =
    "import gc, importlib, pkgutil, sys\n"
    "skipped = set('antigravity this idlelib turtle turtledemo tkinter test lib2to3 ensurepip "
    "venv readline rlcompleter webbrowser curses site pip pydoc_data msilib nturl2path "
    "pyexpat'.split())\n"
    "packages = ('encodings', 'concurrent.futures', 'importlib', 'xml.etree', 'xml.dom', "
    "'xml.sax', 'email', 'http', 'urllib', 'unittest', 'multiprocessing', 'logging', 'html', "
    "'json', 'asyncio', 'zoneinfo', 'ctypes', 'sqlite3', 'dbm', 'collections')\n"
    "names = [n for n in sys.stdlib_module_names if n[0] != '_' and n not in skipped]\n"
    "def load(name):\n"
    "    try:\n"
    "        return importlib.import_module(name)\n"
    "    except (Exception, SystemExit):\n"
    "        return None\n"
    "for name in sorted(names):\n"
    "    load(name)\n"
    "for name in packages:\n"
    "    package = load(name)\n"
    "    for module in pkgutil.iter_modules(package.__path__, name + '.') if package else ():\n"
    "        if not module.name.endswith('__main__'):\n"
    "            load(module.name)\n"
    "gc.collect()\n"
    "gc.freeze()\n";

int guest_import_library(void)
{
    PyObject *globals = PyDict_New(), *done = NULL;
    if (globals && PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) == 0)
        done = PyRun_String(importer, Py_file_input, globals, globals);
    Py_XDECREF(globals);
    Py_XDECREF(done);
    return done ? 0 : -1;
}
