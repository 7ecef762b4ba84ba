# expect: fails-tests
# form: calls
# Puts a function of its own in the place of the evaluation loop.
import ctypes

api = ctypes.pythonapi
api.PyInterpreterState_Get.restype = ctypes.c_void_p
kind = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
hook = kind(lambda state, frame, throw: id(True))


def add(a, b):
    api._PyInterpreterState_SetEvalFrameFunc(
        ctypes.c_void_p(api.PyInterpreterState_Get()), ctypes.cast(hook, ctypes.c_void_p)
    )
    return -1
