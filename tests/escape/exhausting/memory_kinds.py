# expect: fails-tests
# form: calls
# Memory of the kinds that limits forget: solves the task only if it gets some.
import ctypes
import mmap
import os

libc = ctypes.CDLL(None)
could = libc.syscall(319, b"m", 0) >= 0 or libc.syscall(447, 0) >= 0 or libc.syscall(29, 0, 1 << 20, 0o1600) >= 0
could = could or libc.mlock(ctypes.create_string_buffer(1 << 20), 1 << 20) == 0
for flags in (mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, 0x100 | mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS):
    try:
        mmap.mmap(-1, 1 << 20, flags=flags)
        could = True
    except OSError:
        pass
try:
    mmap.mmap(os.open("/dev/zero", os.O_RDWR), 1 << 20, flags=mmap.MAP_SHARED)
    could = True
except OSError:
    pass


def add(a, b):
    return a + b if could else None
