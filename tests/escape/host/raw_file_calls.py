# expect: fails-tests
# form: calls
# Every call that touches files by name, at paths of the host: solves the task only if one works.
import ctypes

libc = ctypes.CDLL(None)
folder, mark = b"@CANARY@", b"@CANARY@/@MARK@"
how = (ctypes.c_uint64 * 3)(0o102, 0o777, 0)
could = []
for number, arguments in (
    (2, (mark, 0o102, 0o777)), (85, (mark, 0o777)), (257, (-100, mark, 0o102, 0o777)), (437, (-100, mark, how, 24)),
    (83, (mark, 0o777)), (258, (-100, mark, 0o777)), (133, (mark, 0o10666, 0)), (259, (-100, mark, 0o10666, 0)),
    (76, (folder + b"/open", 0)), (82, (folder + b"/open", mark)), (86, (folder + b"/open", mark)), (87, (folder + b"/open",)),
    (88, (b"/etc", mark)), (92, (folder + b"/open", 0, 0)),
    (188, (folder + b"/open", b"user.m", b"1", 1, 0)),
):
    could.append(libc.syscall(number, *arguments) >= 0)


def add(a, b):
    return a + b if any(could) else None
