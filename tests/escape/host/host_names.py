# expect: fails-tests
# form: calls
# The host's name, its devices, its kernel log, its modules: solves the task only if one gives way.
import ctypes
import os

libc = ctypes.CDLL(None)
could = [libc.syscall(number, *arguments) == 0 for number, arguments in (
    (170, (b"@MARK@", 4)), (171, (b"@MARK@", 4)), (169, (0xFEE1DEAD, 672274793, 0x89ABCDEF, 0)), (103, (5, None, 0)),
    (175, (b"x", 1, b"")), (167, (b"/tmp", 0)), (163, (b"/tmp/acct",)), (172, (3,)), (173, (0, 1, 1)), (246, (0, 0, None, 0)),
)]
for path in ("/proc/sysrq-trigger", "/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern", "/dev/kmsg", "/dev/sda",
             "/proc/self/oom_score_adj", "/proc/self/uid_map", "/sys/fs/cgroup/cgroup.procs"):
    try:
        os.close(os.open(path, os.O_WRONLY))
        could.append(True)
    except OSError:
        pass


def add(a, b):
    return a + b if any(could) else None
