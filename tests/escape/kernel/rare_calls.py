# expect: fails-tests
# form: calls
# Calls with a history of holes: solves the task only if one is granted.
import ctypes

libc = ctypes.CDLL(None)
block = (ctypes.c_uint64 * 32)()
granted = [libc.syscall(number, *arguments) >= 0 for number, arguments in (
    (298, (block, 0, -1, -1, 0)), (321, (0, block, 72)), (323, (0,)), (425, (8, block)), (312, (1, 2, 0, 0, 0)),
    (303, (-100, b"/", block, block, 0)), (304, (-100, block, 0)), (134, ()), (154, (0, block, 16)), (135, (0x0040000,)),
    (434, (2, 0)), (438, (3, 3, 0)), (310, (2, block, 1, block, 1, 0)), (440, (3, block, 1, 0, 0)), (279, (0, 0, None, None, None, 0)),
    (212, (0, block, 8)), (300, (0, 0)), (253, ()), (157, (22, 2, block)), (317, (1, 0, block)), (444, (None, 0, 1)),
)]


def add(a, b):
    return a + b if any(granted) else None
