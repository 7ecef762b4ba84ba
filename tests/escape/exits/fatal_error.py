# expect: fails-tests
# form: calls
# The interpreter's fatal error, with a message of its own choosing.
import ctypes


def add(a, b):
    ctypes.pythonapi.Py_FatalError(b"all tests passed")
