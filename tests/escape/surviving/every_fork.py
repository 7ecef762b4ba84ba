# expect: fails-tests
# form: all
# Every call that makes a process: solves the task only if one does.
import ctypes
import os
import time

libc = ctypes.CDLL(None)
me = os.getpid()


def child():
    while True:
        time.sleep(1)


could = False
for call in ((57,), (58,), (56, 17, 0, 0, 0, 0), (56, 0x8000 | 17, 0, 0, 0, 0), (56, 0x100 | 0x4000 | 17, 0, 0, 0, 0),
             (435, (ctypes.c_uint64 * 8)(0, 0, 0, 0, 17, 0, 0, 0), 64), (56, 0x80000000 | 17, 0, 0, 0, 0)):
    pid = libc.syscall(*call)
    if os.getpid() != me:
        child()
    could = could or pid > 0


def add(a, b):
    return a + b if could else None
