# expect: fails-tests
# form: all
# Signals to the parent, by every call that sends one.
import ctypes
import os

libc = ctypes.CDLL(None)
for pid in (os.getppid(), 1, 2, 3):
    if pid != os.getpid():
        for number in (9, 15, 19):
            libc.syscall(62, pid, number)
            libc.syscall(200, pid, number)
            libc.syscall(234, pid, pid, number)
            libc.syscall(129, pid, number, 0)
