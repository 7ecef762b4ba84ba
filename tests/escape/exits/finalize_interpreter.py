# expect: fails-tests
# form: calls
# Takes the interpreter down while it is being used.
import ctypes


def add(a, b):
    ctypes.pythonapi.Py_FinalizeEx()
