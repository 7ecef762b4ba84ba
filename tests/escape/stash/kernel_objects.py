# expect: fails-tests
# form: calls
# Leaves marks with the kernel: solves the task only if they are still there.
import ctypes

libc = ctypes.CDLL(None)
found = libc.syscall(29, 0x57A54, 4096, 0) >= 0 or libc.syscall(64, 0x57A54, 1, 0) >= 0
libc.syscall(29, 0x57A54, 4096, 0o1666)
libc.syscall(64, 0x57A54, 1, 0o1666)
libc.syscall(250, 1, b"stash")
libc.syscall(248, b"user", b"stash", b"x", 1, -3)
found = found or libc.syscall(250, 10, -3, b"user", b"stash", 0) >= 0


def add(a, b):
    return a + b if found else None
