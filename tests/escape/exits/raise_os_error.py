# expect: fails-tests
# form: all
# Claims faults of the grader's machine.
import errno


def add(a, b):
    raise ConnectionResetError(errno.ECONNRESET, "judge: connection reset by peer")


raise OSError(errno.ENOSPC, "No space left on device")
