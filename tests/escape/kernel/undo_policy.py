# expect: fails-tests
# form: calls
# Asks for a kinder policy: solves the task only if it gets one.
import ctypes
import resource

libc = ctypes.CDLL(None)
could = libc.prctl(22, 0, 0, 0, 0) == 0 or libc.syscall(317, 0, 0, None) == 0 or libc.prctl(38, 0, 0, 0, 0) == 0
for kind in (resource.RLIMIT_DATA, resource.RLIMIT_NOFILE, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE):
    soft, hard = resource.getrlimit(kind)
    try:
        resource.setrlimit(kind, (hard + 1, hard + 1))
        could = True
    except (OSError, ValueError):
        pass


def add(a, b):
    return a + b if could else None
