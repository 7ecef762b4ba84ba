# expect: fails-tests
# form: calls
# Queues calls that the interpreter makes for it later.
import ctypes

kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
hooks = []


def later(argument):
    ctypes.pythonapi.Py_AddPendingCall(hooks[0], None)
    return -1


hooks.append(kind(later))


def add(a, b):
    ctypes.pythonapi.Py_AddPendingCall(hooks[0], None)
    return -1
