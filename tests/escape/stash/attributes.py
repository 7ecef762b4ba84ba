# expect: fails-tests
# form: calls
# Marks that survive a program: name, mask, priority, limits, folder, times of files.
import ctypes
import os
import resource

libc = ctypes.CDLL(None)
name = ctypes.create_string_buffer(16)
libc.prctl(16, name, 0, 0, 0)
mask = os.umask(0o123)
found = name.value == b"stash" or mask == 0o123 or os.getpriority(0, 0) == 7
found = found or resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 33
libc.prctl(15, b"stash", 0, 0, 0)
for attempt in (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (33, 33)), lambda: os.nice(7),
                lambda: os.utime("/usr/lib", (7, 7)), lambda: os.chdir("/usr")):
    try:
        attempt()
    except OSError:
        pass
try:
    found = found or os.stat("/usr/lib").st_mtime == 7
except OSError:
    pass


def add(a, b):
    return a + b if found else None
