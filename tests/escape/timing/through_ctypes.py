# expect: correct|fails-tests
# form: timed
# Goes down into native code and up again, hundreds of times deep, and has its own clock and scheduling changed from there.
import ctypes
import sys

libc = ctypes.CDLL(None, use_errno=True)
sys.setrecursionlimit(20000)
PR_SET_TIMERSLACK, PR_SET_TIMING, SCHED_IDLE = 29, 14, 5
STEP = 200


def total(numbers):
    libc.prctl(PR_SET_TIMING, 1, 0, 0, 0)
    libc.prctl(PR_SET_TIMERSLACK, 1 << 30, 0, 0, 0)
    libc.sched_setscheduler(0, SCHED_IDLE, ctypes.byref(ctypes.c_int(0)))
    results = []

    @ctypes.CFUNCTYPE(None, ctypes.c_long)
    def down(at):
        result = 0
        for n in numbers[at : at + STEP]:
            result += n
        results.append(result)
        if at + STEP < len(numbers):
            down(at + STEP)

    down(0)
    return sum(results)
