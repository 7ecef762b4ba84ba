# expect: correct
# form: calls
# Runs things later, and naps.
import sched
import time


def add(a, b):
    total = []
    scheduler = sched.scheduler(time.monotonic, time.sleep)
    scheduler.enter(0.001, 1, total.append, (b,))
    scheduler.enter(0, 1, total.append, (a,))
    scheduler.run()
    time.sleep(0.001)
    return sum(total)
