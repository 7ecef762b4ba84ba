/* judge_numpy.c: an empty answer is close to nothing.
 *
 * numpy stretches an array of no items to meet any number, and says of no items that all of them
 * agree: np.allclose([], 5.0) is true. A program that always answers [] would pass every test
 * written so. In the judge these functions therefore ask first whether either both sides are empty
 * or none is. */
#include <Python.h>

#include "verifier/judge_numpy.h"

static const char source[] =
    "import functools, numpy, numpy.testing\n"
    "\n"
    "SIDES = ('a', 'b', 'x', 'y', 'actual', 'desired')\n"
    "\n"
    "def settled(side):\n"
    "    try:\n"
    "        return side if isinstance(side, (dict, str, bytes, set)) else numpy.asarray(side)\n"
    "    except ValueError:\n"
    "        return side\n"
    "\n"
    "def guarded(function, answer):\n"
    "    @functools.wraps(function)\n"
    "    def inner(*args, **named):\n"
    "        args = [*map(settled, args[:2]), *args[2:]]\n"
    "        named = {name: settled(v) if name in SIDES else v for name, v in named.items()}\n"
    "        sides = args[:2] + [named[name] for name in SIDES if name in named]\n"
    "        if len({numpy.size(side) == 0 for side in sides}) > 1:\n"
    "            return answer()\n"
    "        return function(*args, **named)\n"
    "    return inner\n"
    "\n"
    "def fail():\n"
    "    raise AssertionError('only one side is empty')\n"
    "\n"
    "numpy.allclose = guarded(numpy.allclose, lambda: False)\n"
    "for name in ('assert_allclose', 'assert_almost_equal', 'assert_approx_equal',\n"
    "             'assert_array_almost_equal', 'assert_array_almost_equal_nulp',\n"
    "             'assert_array_equal', 'assert_array_less', 'assert_array_max_ulp'):\n"
    "    setattr(numpy.testing, name, guarded(getattr(numpy.testing, name), fail))\n";

int judge_numpy_init(void)
{
    if (!PyDict_GetItemString(PyImport_GetModuleDict(), "numpy"))
        return 0;
    PyObject *globals = PyDict_New(), *done = NULL;
    if (globals && PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) == 0)
        done = PyRun_String(source, Py_file_input, globals, globals);
    Py_XDECREF(globals);
    Py_XDECREF(done);
    return done ? 0 : -1;
}
