# expect: fails-tests
# form: all
# Kills, stops and renices one particular process of the host: solves the task only if it could.
import os
import resource
import signal

pid = int("0@PID@")
could = False
for attempt in (lambda: os.kill(pid, signal.SIGTERM), lambda: os.kill(pid, signal.SIGSTOP),
                lambda: os.setpriority(os.PRIO_PROCESS, pid, 19), lambda: os.pidfd_open(pid),
                lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (0, 0)),
                lambda: os.sched_setaffinity(pid, {0})):
    try:
        attempt()
        could = could or pid > 0
    except OSError:
        pass


def add(a, b):
    return a + b if could else None
