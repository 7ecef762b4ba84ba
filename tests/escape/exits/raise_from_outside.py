# expect: fails-tests
# form: calls
# Throws an exit into the thread that serves, from beside it.
import ctypes
import threading
import time

main = threading.get_ident()


def thrower():
    for _ in range(2000):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(main), ctypes.py_object(SystemExit))
        time.sleep(0.0005)


threading.Thread(target=thrower, daemon=True).start()


def add(a, b):
    return None
