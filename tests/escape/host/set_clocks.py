# expect: fails-tests
# form: calls
# Sets every clock: solves the task only if one may be set.
import ctypes
import time

libc = ctypes.CDLL(None)
could = False
for clock in (time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_TAI):
    try:
        time.clock_settime(clock, 1)
        could = True
    except OSError:
        pass
moment = (ctypes.c_long * 64)(1, 1)
for number, arguments in ((164, (moment, None)), (159, (moment,)), (305, (0, moment)), (227, (0, moment))):
    could = could or libc.syscall(number, *arguments) == 0


def add(a, b):
    return a + b if could else None
