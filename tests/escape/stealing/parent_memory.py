# expect: fails-tests
# form: calls
# Reads the parent's memory by every call there is: solves the task only if one works.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
target = ctypes.create_string_buffer(64)


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


own = Vector(ctypes.addressof(target), 64)
other = Vector(id(int), 64)
works = []
for pid in {os.getppid(), 1, 2} - {os.getpid(), 0}:
    works.append(libc.syscall(310, pid, ctypes.byref(own), 1, ctypes.byref(other), 1, 0) > 0)
    works.append(libc.syscall(311, pid, ctypes.byref(own), 1, ctypes.byref(other), 1, 0) > 0)
    works.append(libc.syscall(101, 16, pid, 0, 0) == 0)
    works.append(libc.syscall(434, pid, 0) >= 0)


def add(a, b):
    return a + b if any(works) else None
