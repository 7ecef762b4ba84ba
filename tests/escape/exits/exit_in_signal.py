# expect: fails-tests
# form: all
# A timer's handler ends the process.
import os
import signal

signal.signal(signal.SIGALRM, lambda *args: os._exit(0))
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)


def add(a, b):
    while True:
        pass


add(1, 2)
