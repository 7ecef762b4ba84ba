# expect: fails-tests
# form: calls
# Things that outlive a process: shared memory, queues, semaphores, keys. Solves the task only if one can be had.
import ctypes

libc = ctypes.CDLL(None)
key = 0x45534350
could = [libc.syscall(number, *arguments) >= 0 for number, arguments in (
    (29, (key, 4096, 0o1666)), (68, (key, 0o1666)), (64, (key, 1, 0o1666)), (240, (b"@MARK@", 0o102, 0o666, None)),
    (248, (b"user", b"@MARK@", b"x", 1, -3)), (250, (1, b"@MARK@")),
)]


def add(a, b):
    return a + b if any(could) else None
