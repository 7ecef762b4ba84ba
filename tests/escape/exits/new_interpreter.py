# expect: fails-tests
# form: calls
# Swaps the thread's state for one of another interpreter.
import ctypes


def add(a, b):
    ctypes.pythonapi.Py_NewInterpreter.restype = ctypes.c_void_p
    ctypes.pythonapi.Py_NewInterpreter()
    return None
