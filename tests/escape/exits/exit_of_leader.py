# expect: fails-tests
# form: calls
# The first thread ends alone; the process goes on without it.
import ctypes
import threading
import time

threading.Thread(target=time.sleep, args=(60,)).start()


def add(a, b):
    ctypes.CDLL(None).syscall(60, 0)
