# expect: fails-tests
# form: calls
# Asks for the processor to itself: solves the task only if it is granted.
import os

could = False
for attempt in (lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)), lambda: os.setpriority(0, 0, -20),
                lambda: os.sched_setaffinity(0, {0}), lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))):
    try:
        attempt()
        could = True
    except OSError:
        pass


def add(a, b):
    return a + b if could else None
