# expect: fails-tests
# form: all
# The interpreter's own way out, from C.
import ctypes

ctypes.pythonapi.Py_Exit(0)
