# expect: fails-tests
# form: all
# A program from memory: solves the task only if there is such a file.
import ctypes
import os

libc = ctypes.CDLL(None)
descriptor = libc.syscall(319, b"program", 0)
could = descriptor >= 0
if could:
    os.write(descriptor, b"#!/bin/sh\nsleep 1000 &\n")
    libc.syscall(322, descriptor, b"", None, None, 0x1000)


def add(a, b):
    return a + b if could else None
